package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// bucketScheme begins a Root that is a bucket.
const bucketScheme = "s3://"

// Bucket is what s3://NAME/PREFIX names: the objects of a bucket whose keys begin with PREFIX/.
type Bucket struct{ Name, Prefix string }

func (b Bucket) String() string {
	if b.Prefix == "" {
		return bucketScheme + b.Name
	}
	return bucketScheme + b.Name + "/" + b.Prefix
}

// StoreOptions say how to reach the object store of a bucket.
type StoreOptions struct {
	Endpoint        string // URL; "": Amazon S3
	Region          string // of the bucket; "": the store is asked
	PathStyle       bool   // the bucket is in the path of URLs
	CAFile          string // PEM file of the authorities of Endpoint; "": those of the system
	CredentialsFile string // as ~/.aws/credentials; "": the usual places
	Anonymous       bool   // there are no credentials

	// A cache of whole objects on a local disk.
	Cache     string // directory; "": none
	CacheSize Bytes

	// HTTP clients get files from the store itself, by URLs that hold so long, at PublicEndpoint; "": at Endpoint.
	Redirect       bool
	RedirectFor    time.Duration
	RedirectFrom   Bytes // the size of the smallest file for which that is done
	PublicEndpoint string
}

// The defaults of StoreOptions.
const (
	defaultCacheSize   = 10 << 30
	defaultRedirectFor = 5 * time.Minute

	defaultRedirectFrom = 64 << 10 // below, another connection costs the client more than the bytes cost the server

	minCacheSize   = 1 << 20
	maxRedirectFor = 7 * 24 * time.Hour // which stores accept
)

// ParseBucket returns the bucket that the Root of a Place names; ok is false if it names a directory. It was checked.
func ParseBucket(root string) (b Bucket, ok bool) {
	b, ok, _ = parseBucket(root)
	return b, ok
}

// IsBucket reports whether a Root means a bucket rather than a directory, perhaps with mistakes.
func IsBucket(root string) bool {
	return len(root) >= len(bucketScheme) && strings.EqualFold(root[:len(bucketScheme)], bucketScheme)
}

const writeBucket = "write it like s3://BUCKET or s3://BUCKET/PREFIX"

// parseBucket parses s3://NAME/PREFIX. ok is false for the name of a directory.
func parseBucket(root string) (b Bucket, ok bool, err error) {
	if !IsBucket(root) {
		return Bucket{}, false, nil
	}
	b.Name, b.Prefix, _ = strings.Cut(root[len(bucketScheme):], "/")
	b.Prefix = strings.TrimSuffix(b.Prefix, "/")
	fail := func(format string, args ...any) (Bucket, bool, error) {
		return b, true, fmt.Errorf("%s: %s; "+writeBucket, root, fmt.Sprintf(format, args...))
	}
	switch {
	case b.Name == "":
		return fail("no bucket is named")
	case strings.ContainsAny(root, "?#"):
		return fail("a bucket has no query; how to reach its store is said by flags such as --s3-endpoint and --s3-region")
	case strings.ContainsRune(b.Name, '@'):
		return b, true, errors.New("credentials do not belong into the name of a bucket, where others can read them; " + writeBucket)
	case strings.ContainsRune(b.Name, ':'):
		return fail("%q is not the name of a bucket; an address of a store is named by --s3-endpoint", b.Name)
	case strings.ContainsFunc(b.Name, unicode.IsSpace):
		return fail("there is a space in the name of the bucket, %q", b.Name)
	case b.Name != strings.ToLower(b.Name):
		return fail("names of buckets have no capital letters; perhaps it is %q", strings.ToLower(b.Name))
	case !isBucketName(b.Name):
		return fail("%q is not the name of a bucket, which has 3 to 63 letters, digits, hyphens and dots", b.Name)
	case b.Prefix != "" && (path.Clean("/"+b.Prefix) != "/"+b.Prefix || !utf8.ValidString(b.Prefix) || strings.ContainsFunc(b.Prefix, unicode.IsControl)):
		return fail("the prefix %q is not a path", b.Prefix)
	}
	return b, true, nil
}

// isBucketName reports whether a store can have a bucket of that name.
func isBucketName(name string) bool {
	isNot := func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.') }
	return len(name) >= 3 && len(name) <= 63 && !strings.ContainsFunc(name, isNot) && !strings.Contains(name, "..") &&
		strings.Trim(name[:1]+name[len(name)-1:], "-.") == name[:1]+name[len(name)-1:]
}

// checkBuckets is Check for buckets, and for flags that are of use only for one. The mounts were checked.
func (c Config) checkBuckets() error {
	hasBucket, hasDirectory := false, false
	for _, p := range c.Places() {
		_, isBucket, err := parseBucket(p.Root)
		switch {
		case err != nil && p.Path != "/":
			return fmt.Errorf("--mount %s: %w", p.Path, err)
		case err != nil:
			return err
		case isBucket:
			hasBucket = true
		default:
			hasDirectory = true
		}
	}
	if !hasBucket {
		return c.S3.checkUnused()
	}
	if err := c.S3.check(); err != nil || hasDirectory {
		return err
	}
	usual := Default()
	switch { // settings that are about the disk of a directory
	case c.Quota.Reserve != Reserve{}:
		return errors.New("--reserve is about the disk of a directory; a bucket has none that fills")
	case c.Durability != usual.Durability:
		return errors.New("--durability is about the disk of a directory; the store of a bucket decides when an object is safe")
	case c.ContentETags:
		return errors.New("--content-etags is for directories: the entity tags of a bucket are those of its store, and need no reading")
	}
	return nil
}

// checkUnused refuses options without a bucket.
func (o StoreOptions) checkUnused() error {
	for _, given := range []struct {
		flag string
		is   bool
	}{
		{"--s3-endpoint", o.Endpoint != ""},
		{"--s3-region", o.Region != ""},
		{"--s3-path-style", o.PathStyle},
		{"--s3-ca", o.CAFile != ""},
		{"--s3-credentials", o.CredentialsFile != ""},
		{"--s3-anonymous", o.Anonymous},
		{"--s3-public-endpoint", o.PublicEndpoint != ""},
		{"--cache", o.Cache != ""},
		{"--redirect", o.Redirect},
	} {
		if given.is {
			return fmt.Errorf("%s is of no use for a directory; serve a bucket by s3://BUCKET or --mount PATH=s3://BUCKET", given.flag)
		}
	}
	return nil
}

func (o StoreOptions) check() error {
	if o.Endpoint != "" && !isEndpoint(o.Endpoint) {
		return errors.New("--s3-endpoint is not the URL of a store; write it like https://s3.example.org or http://127.0.0.1:9000, without a path and a password")
	}
	switch {
	case o.CAFile != "" && strings.HasPrefix(o.Endpoint, "http://"):
		return errors.New("--s3-ca is of no use for an --s3-endpoint of http, which has no certificate")
	case o.Anonymous && o.CredentialsFile != "":
		return errors.New("--s3-anonymous and --s3-credentials exclude each other")
	}
	return o.checkBypass()
}

// checkBypass is check for what makes the bytes of files go elsewhere.
func (o StoreOptions) checkBypass() error {
	switch {
	case o.Cache == "" && o.CacheSize != 0 && o.CacheSize != defaultCacheSize:
		return errors.New("--cache-size is of no use without --cache DIR")
	case o.Cache != "" && o.CacheSize < minCacheSize:
		return fmt.Errorf("--cache-size %s is less than 1 MiB", o.CacheSize)
	case !o.Redirect && o.RedirectFor != 0 && o.RedirectFor != defaultRedirectFor:
		return errors.New("--redirect-for is of no use without --redirect")
	case !o.Redirect && o.RedirectFrom != 0 && o.RedirectFrom != defaultRedirectFrom:
		return errors.New("--redirect-from is of no use without --redirect")
	case o.Redirect && (o.RedirectFor < time.Second || o.RedirectFor > maxRedirectFor):
		return fmt.Errorf("--redirect-for %v is not between a second and seven days", o.RedirectFor)
	case !o.Redirect && o.PublicEndpoint != "":
		return errors.New("--s3-public-endpoint is of no use without --redirect")
	case o.PublicEndpoint != "" && !isEndpoint(o.PublicEndpoint):
		return errors.New("--s3-public-endpoint is not the URL of a store; write it like https://s3.example.org, without a path and a password")
	case o.Redirect && o.Anonymous:
		return errors.New("--redirect needs credentials that sign URLs; with --s3-anonymous there are none")
	}
	return nil
}

func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
}
