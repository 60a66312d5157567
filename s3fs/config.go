package s3fs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Config says where a bucket is, and how to reach it.
type Config struct {
	// Endpoint is the URL of the store, such as "https://s3.example.org" or "http://127.0.0.1:9000"; without a scheme it is
	// https. Empty: Amazon S3.
	Endpoint string

	Bucket string

	// Prefix is the beginning of all keys. A slash is added to its end if it has none. Empty: the whole bucket.
	Prefix string

	// Region is that of the bucket. Empty: the store is asked, or "us-east-1" if it does not say.
	Region string

	// PathStyle puts the bucket into the path of a URL instead of the name of its host. Stores other than Amazon's and
	// those at an IP address get that anyway.
	PathStyle bool

	// AccessKey, SecretKey and SessionToken are the credentials. Without AccessKey they come from the environment
	// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), else the file of AWS_SHARED_CREDENTIALS_FILE or
	// ~/.aws/credentials, else the identity of the host (IAM).
	AccessKey, SecretKey, SessionToken string

	// Anonymous sends no credentials: for public buckets.
	Anonymous bool

	// Writable allows changes. Without it each of them fails with [syscall.EROFS].
	Writable bool

	// UploadMemory is how many bytes of all uploads are in memory at a time. Zero: 256 MiB. A quarter of it is the longest
	// part, and a file has at most 10,000 parts: about 590 GiB. The 5 TiB that stores take need 2.5 GiB.
	UploadMemory int64

	// PartSize is the length of all parts of uploads, at least 5 MiB, for stores that want parts of one length (Cloudflare
	// R2). Zero: the first 250 have 8 MiB, the next 250 twice that, and so on.
	PartSize int64

	// MaxRename is how many objects a directory may have to be renamed. Zero: 1,000.
	MaxRename int

	// OnProblem, if it is not nil, is called once for each key of an object that cannot be shown as a file, and for other
	// facts about the bucket that surprise, with an explanation. It may be called by several goroutines at a time.
	OnProblem func(key, reason string)

	// TLS is for connections to an https Endpoint. Nil: the system's authorities.
	TLS *tls.Config

	// Timeout is how long a request may make no progress. Zero: 30 seconds.
	Timeout time.Duration

	// MaxConns is how many connections are open at a time. Zero: 256.
	MaxConns int
}

// Open checks that the store lets the caller list the bucket, and returns its files. The caller closes the FS. The end of
// ctx ends only the check.
func Open(ctx context.Context, c Config) (*FS, error) {
	fsys, err := newFS(c)
	if err != nil {
		return nil, fmt.Errorf("s3fs: %w", err)
	}
	if _, err := fsys.list(ctx, fsys.prefix, "", 1); err != nil {
		fsys.Close()
		return nil, fmt.Errorf("s3fs: list bucket %s at %s: %w", c.Bucket, fsys.client.EndpointURL(), err)
	}
	fsys.checkVersions(ctx)
	return fsys, nil
}

func newFS(c Config) (*FS, error) {
	if c.Bucket == "" {
		return nil, errors.New("no bucket is named")
	}
	host, secure, err := endpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.MaxConns == 0 {
		c.MaxConns = 256
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: c.Timeout}).DialContext,
		TLSClientConfig:       c.TLS,
		TLSHandshakeTimeout:   c.Timeout,
		ResponseHeaderTimeout: c.Timeout,
		MaxConnsPerHost:       c.MaxConns,
		MaxIdleConnsPerHost:   c.MaxConns,
		IdleConnTimeout:       90 * time.Second,
		DisableCompression:    true, // the bytes of an object are those of the file
	}
	lookup := minio.BucketLookupAuto
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.NewCore(host, &minio.Options{
		Creds: c.credentials(), Secure: secure, Transport: newPatience(transport), Region: c.Region, BucketLookup: lookup, MaxRetries: maxRetries,
	})
	if err != nil {
		return nil, err
	}
	if c.UploadMemory < 0 || c.MaxRename < 0 || c.PartSize < 0 || c.PartSize > 0 && c.PartSize < minPart {
		return nil, fmt.Errorf("a size is negative, or parts are shorter than %d MiB", minPart>>20)
	}
	prefix := strings.TrimLeft(c.Prefix, "/")
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	fsys := &FS{client: client, bucket: c.Bucket, prefix: prefix, timeout: c.Timeout, transport: transport}
	fsys.ctx, fsys.cancel = context.WithCancel(context.Background())
	fsys.writing, fsys.problems.report = newWriting(&c), c.OnProblem
	return fsys, nil
}

// endpoint splits the URL of a store.
func endpoint(text string) (host string, secure bool, err error) {
	if text == "" {
		return "s3.amazonaws.com", true, nil
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", false, err
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.User != nil:
		return "", false, fmt.Errorf("the endpoint %q is not http(s)://HOST[:PORT]", text)
	}
	return u.Host, u.Scheme == "https", nil
}

func (c *Config) credentials() *credentials.Credentials {
	switch {
	case c.Anonymous:
		return credentials.NewStaticV4("", "", "")
	case c.AccessKey != "":
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{},
	})
}
