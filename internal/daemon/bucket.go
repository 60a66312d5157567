package daemon

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/admin"
	"sluice/internal/config"
	"sluice/internal/sandbox"
	"sluice/internal/vfs"
	"sluice/s3fs"
)

// bucket is the source that is a bucket of an object store. Nothing of it is kept but its connections, so it never
// becomes another one.
type bucket struct {
	fs    *s3fs.FS
	read  vfs.Tree // whatever the rights of an account say, nothing can be changed through it
	write vfs.Tree
	store *objectStore
	log   *slog.Logger

	mu       sync.Mutex // guards the fields below
	isOpen   bool       // failures are no longer explained by openBucket
	checked  time.Time  // when health was asked for
	health   error      // of the store then
	logged   time.Time  // when a failed request was logged last
	unsigned time.Time  // when a redirect that was not made was logged last
}

// objectStore is what all buckets share.
type objectStore struct {
	options config.StoreOptions
	keys    *bucketKeys
	cache   *bucketCache
	metrics *admin.Store
	log     *slog.Logger

	buckets atomic.Pointer[[]*s3fs.FS] // those that are open
}

func newObjectStore(o config.StoreOptions, logger *slog.Logger) *objectStore {
	s := &objectStore{options: o, keys: newBucketKeys(o, logger), cache: &bucketCache{dir: o.Cache, size: int64(o.CacheSize), log: logger}, log: logger}
	s.buckets.Store(new([]*s3fs.FS))
	s.metrics = admin.NewStore(s3fs.Operations(), s.connections)
	if o.Cache != "" {
		s.metrics.Cache = s.cache.stats
	}
	return s
}

// connections returns how many connections are in use now.
func (store *objectStore) connections() (n int) {
	for _, b := range *store.buckets.Load() {
		n += b.Connections()
	}
	return n
}

const (
	startTimeout  = 20 * time.Second // for the first answer of the store
	healthTimeout = 5 * time.Second
	healthAge     = 5 * time.Second // for so long, /healthz asks the store only once

	// storeTimeout bounds a request without progress. It is less than the 30 s after which package vfs gives up a call, so
	// that clients learn that it was the store.
	storeTimeout = 20 * time.Second

	logPause = 10 * time.Second // between two lines about failed requests, and about redirects
)

// openBucket asks the store for a bucket. Errors say what to do. It is called by one goroutine.
func (store *objectStore) openBucket(ctx context.Context, b config.Bucket, c *config.Config) (source, error) {
	o := store.options
	s := &bucket{store: store, log: store.log.With("bucket", b.String())}
	conf := s3fs.Config{
		Endpoint: o.Endpoint, Bucket: b.Name, Prefix: b.Prefix, Region: o.Region, PathStyle: o.PathStyle, Anonymous: o.Anonymous, PublicEndpoint: o.PublicEndpoint,
		Keys: store.keys.source(), Timeout: storeTimeout, OnRequest: s.onRequest,
		Writable: c.MayWrite(), OnProblem: s.onProblem,
	}
	if o.CAFile != "" {
		roots, err := readAuthorities(o.CAFile)
		if err != nil {
			return nil, err
		}
		conf.TLS = &tls.Config{RootCAs: roots}
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	files, err := s3fs.Open(ctx, conf)
	if err != nil {
		return nil, explainBucket(b, o, store.keys, err)
	}
	s.mu.Lock()
	s.fs, s.isOpen = files, true
	s.mu.Unlock()
	all := append(slices.Clone(*store.buckets.Load()), files)
	store.buckets.Store(&all)
	s.write = vfs.Of(writableBucket{files, s})
	s.read = vfs.Of(readOnlyBucket{afero.NewReadOnlyFs(files), s})
	return s, nil
}

// writableBucket is the files of a bucket.
type writableBucket struct {
	*s3fs.FS
	bucket *bucket
}

func (w writableBucket) Presign(method, name string, info fs.FileInfo, life time.Duration, header map[string]string) (string, error) {
	return w.bucket.presign(method, name, info, life, header)
}

// readOnlyBucket is the files of a bucket, which cannot be changed.
type readOnlyBucket struct {
	afero.Fs
	bucket *bucket
}

// NoSpecialFiles, Remote, OpensToRead and OpenToRead are as in s3fs.FS.
func (r readOnlyBucket) NoSpecialFiles() {}
func (r readOnlyBucket) Remote()         {}

func (r readOnlyBucket) OpensToRead() bool { return r.bucket.fs.OpensToRead() }

func (r readOnlyBucket) OpenToRead(name string) (afero.File, error) {
	return r.bucket.fs.OpenToRead(name)
}

func (r readOnlyBucket) Presign(method, name string, info fs.FileInfo, life time.Duration, header map[string]string) (string, error) {
	return r.bucket.presign(method, name, info, life, header)
}

// presign returns a signed URL. It logs failures, but not all of many: clients get the file from here then, and the operator
// would learn it from the load alone.
func (s *bucket) presign(method, name string, info fs.FileInfo, life time.Duration, header map[string]string) (string, error) {
	link, err := s.fs.Presign(method, name, info, life, header)
	if err != nil && !errors.Is(err, context.Canceled) && s.isDue(&s.unsigned) {
		s.log.Warn("clients are not redirected to the object store: it has no signed URL for them, so this server sends the files", "err", err)
	}
	return link, err
}

// isDue reports whether a failure is to be logged, and sets when one was logged last.
func (s *bucket) isDue(last *time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isOpen || time.Since(*last) <= logPause {
		return false
	}
	*last = time.Now()
	return true
}

// readAuthorities reads the file of --s3-ca. It is read only at the start.
func readAuthorities(name string) (*x509.CertPool, error) {
	content, err := os.ReadFile(name)
	roots := x509.NewCertPool()
	if err == nil && !roots.AppendCertsFromPEM(content) {
		err = errors.New(name + " has no certificate; it must be PEM")
	}
	if err != nil {
		return nil, config.UsageError{Err: errors.Join(errors.New("--s3-ca: " + err.Error()))}
	}
	return roots, nil
}

// onRequest counts a request to the store, and logs failures, but not all of many.
func (s *bucket) onRequest(op string, took time.Duration, err error) {
	result := resultOf(err)
	s.store.metrics.Observe(op, result, took)
	if result == "ok" || result == "absent" || result == "cancelled" {
		return
	}
	if s.isDue(&s.logged) {
		s.log.Warn("a request to the object store failed", "op", op, "took", took.Round(time.Millisecond), "err", err)
	}
}

// onProblem logs what is surprising about the bucket, or an object of it.
func (s *bucket) onProblem(key, reason string) {
	if key == "" {
		s.log.Warn(reason)
		return
	}
	s.log.Warn("an object is shown to nobody", "key", key, "because", reason)
}

// resultOf returns the result of a request for admin.Store.
func resultOf(err error) string {
	status, hasStatus := errors.AsType[s3fs.StatusError](err)
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case !hasStatus:
		return "unanswered"
	case status == http.StatusNotFound:
		return "absent"
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		return "busy"
	case status < http.StatusInternalServerError:
		return "refused"
	}
	return "failed"
}

func (s *bucket) tree() vfs.Tree               { return s.read }
func (s *bucket) writable(vfs.Tree) vfs.Tree   { return s.write }
func (s *bucket) sweepInterval() time.Duration { return 24 * time.Hour } // each lists all keys
func (s *bucket) dirs() []string               { return nil }
func (s *bucket) homes(string) []string        { return nil }
func (s *bucket) update(*slog.Logger) vfs.Tree { return nil }
func (s *bucket) requests() *admin.Store       { return s.store.metrics }
func (s *bucket) files() []string              { return s.store.keys.files() }
func (s *bucket) readBy(files *sandbox.Files)  { s.store.keys.opener = files }
func (s *bucket) warn(*slog.Logger, bool)      {}

func (s *bucket) pauseForHome(string) time.Duration { return 30 * time.Second } // each look takes two requests

func (s *bucket) close() {
	_ = s.fs.Close()
	left := slices.DeleteFunc(slices.Clone(*s.store.buckets.Load()), func(files *s3fs.FS) bool { return files == s.fs })
	s.store.buckets.Store(&left)
	if len(left) == 0 {
		s.store.cache.close()
	}
}

// confine implements source.
func (s *bucket) confine(p *sandbox.Plan) {
	net.DefaultResolver.PreferGo = true // that of the system may load libraries, which the sandbox forbids
	p.Read = slices.Concat(p.Read, s.store.keys.dirs(), resolverDirs())
	s.store.cache.confine(p)
}

// resolverDirs returns the directory where a manager of the network keeps the file of the resolver, which is replaced when
// the network changes. One in /etc itself cannot be read once it was replaced: that directory has too much in it.
func resolverDirs() []string {
	const name = "/etc/resolv.conf"
	target, err := filepath.EvalSymlinks(name)
	if dir := filepath.Dir(target); err == nil && dir != filepath.Dir(name) {
		return []string{dir}
	}
	return nil
}

// checkAccess implements source. The sandbox is in force, so this is what the server can do from now on.
func (s *bucket) checkAccess(u *sandbox.User, _ []account.Account) error {
	if err := s.store.keys.check(u); err != nil {
		return err
	}
	return s.store.cache.open(u, s.fs)
}

// ready implements source. It asks the store, but not for each of many calls.
func (s *bucket) ready() string {
	s.mu.Lock()
	if time.Since(s.checked) < healthAge {
		defer s.mu.Unlock()
		return healthText(s.health)
	}
	s.checked = time.Now() // other calls have the health of before until then
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	err := s.fs.Check(ctx)
	s.mu.Lock()
	before := s.health
	s.health = err
	s.mu.Unlock()
	switch {
	case err != nil && before == nil:
		s.log.Error("the object store cannot be used", "err", err)
	case err == nil && before != nil:
		s.log.Info("the object store can be used again")
	}
	return healthText(err)
}

// healthText returns what clients may know of an error of the store.
func healthText(err error) string {
	if err == nil {
		return ""
	}
	return cmp.Or(vfs.StoreFailure(err), vfs.ErrStoreFailed).Error()
}
