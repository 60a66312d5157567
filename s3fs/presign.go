package s3fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
)

// presigner makes URLs for clients. They are signed for one host, which may be another one than that of the requests.
type presigner struct {
	options  minio.Options
	endpoint string // host and port
	store    *minio.Core

	mu     sync.Mutex    // guards the field below
	client *minio.Client // nil: not made yet
}

// newPresigner returns a presigner for the store that has the options.
func newPresigner(c *Config, store *minio.Core, options minio.Options) (*presigner, error) {
	text := c.PublicEndpoint
	if text == "" {
		text = c.Endpoint
	}
	host, secure, err := endpoint(text)
	if err != nil {
		return nil, err
	}
	options.Secure = secure
	return &presigner{options: options, endpoint: host, store: store}, nil
}

// clientFor returns a client for a bucket. It knows the region, so it makes no requests to the public endpoint, which this
// process may not reach.
func (p *presigner) clientFor(ctx context.Context, bucket string) (*minio.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		return p.client, nil
	}
	options := p.options
	if options.Region == "" {
		region, err := p.store.GetBucketLocation(ctx, bucket)
		if err != nil {
			return nil, err
		}
		options.Region = region
	}
	client, err := minio.New(p.endpoint, &options)
	if err == nil {
		p.client = client
	}
	return client, err
}

// maxPresigned is the longest life of a URL that stores accept.
const maxPresigned = 7 * 24 * time.Hour

// overrides are the header fields of a response that a URL can set.
var overrides = map[string]string{
	"Cache-Control":       "response-cache-control",
	"Content-Disposition": "response-content-disposition",
	"Content-Encoding":    "response-content-encoding",
	"Content-Language":    "response-content-language",
	"Content-Type":        "response-content-type",
	"Expires":             "response-expires",
}

// Presign returns a URL by which everybody who knows it can read the file name from the store, with the given method, GET
// or HEAD, for as long as life: between a second and seven days. Credentials that expire earlier end it earlier. It is for
// the object that has the key when the URL is used. info is what Stat or an open file has returned. header has fields that
// the store is to send: Cache-Control, Content-Disposition, Content-Encoding, Content-Language, Content-Type and Expires;
// others are refused.
//
// It asks the store for nothing, except for the region once, unless Config.Region is set. It fails without credentials.
func (s *FS) Presign(method, name string, info fs.FileInfo, life time.Duration, header map[string]string) (string, error) {
	link, err := s.presign(method, name, info, life, header)
	if err != nil {
		return "", &fs.PathError{Op: "presign", Path: name, Err: err}
	}
	return link, nil
}

func (s *FS) presign(method, name string, info fs.FileInfo, life time.Duration, header map[string]string) (string, error) {
	switch {
	case method != "GET" && method != "HEAD":
		return "", fmt.Errorf("the method is %q, want GET or HEAD", method)
	case info.IsDir():
		return "", errors.New("it is a directory")
	case life < time.Second || life > maxPresigned:
		return "", fmt.Errorf("the life of the URL is %v, want a second to seven days", life)
	}
	query := make(url.Values)
	for field, value := range header {
		parameter, ok := overrides[field]
		if !ok {
			return "", fmt.Errorf("the store cannot be made to send the field %s", field)
		}
		query.Set(parameter, value)
	}
	ctx, done := s.request()
	defer done()
	client, err := s.presigner.clientFor(ctx, s.bucket)
	if err != nil {
		return "", translate(err)
	}
	link, err := client.Presign(ctx, method, s.bucket, s.key(name), life, query)
	if err != nil {
		return "", err
	}
	return link.String(), nil
}
