package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pair names the files of a certificate and of its key, both PEM. The
// certificates of the chain follow the server's own.
type Pair struct {
	Cert string
	Key  string // "": the key is in the file Cert
}

func (p Pair) files() []string {
	if p.Key == "" {
		return []string{p.Cert}
	}
	return []string{p.Cert, p.Key}
}

// interval is how long the files are believed not to have changed.
const interval = time.Second

// Reloader is certificates from files that are replaced while they are in
// use, as those of certbot and other ACME clients are. Set the fields, then
// call Load. It may be used by any number of connections at once.
type Reloader struct {
	// Pairs are the certificates, those that are preferred first.
	Pairs []Pair

	// Open, if not nil, opens the files in the place of os.Open, for a process that may
	// not do so itself any more.
	Open func(name string) (*os.File, error)

	// OnReload, if not nil, is called when the files of a pair have changed:
	// with nil when the new certificate is in use, with the reason when it
	// cannot be and the old one stays. A reason that stays the same is told
	// once. The call is made on the goroutine of a handshake.
	OnReload func(Pair, error)

	current atomic.Pointer[[]tls.Certificate] // one for each pair; nil before Load

	mu      sync.Mutex // guards the fields below
	pairs   []state    // one for each pair
	checked time.Time
}

// state is what was found when a pair was last read.
type state struct {
	seen    []fs.FileInfo // of each file; nil: it was not there
	failure string        // why the pair cannot be used; "": it is in use
}

// Load reads all pairs. Its error is that of the first that cannot be used;
// then the Reloader has no certificates.
func (r *Reloader) Load() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Pairs) == 0 {
		return errors.New("there is no certificate")
	}
	pairs := make([]state, len(r.Pairs))
	all := make([]tls.Certificate, len(r.Pairs))
	for i, p := range r.Pairs {
		var err error
		pairs[i].seen = r.look(p)
		if all[i], err = r.read(p); err != nil {
			return err
		}
	}
	r.pairs, r.checked = pairs, time.Now()
	r.current.Store(&all)
	return nil
}

// Config returns a configuration for servers, which the caller may change
// before use: TLS 1.2 at least, certificates by GetCertificate, and session
// tickets, whose keys package tls renews every day.
func (r *Reloader) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: r.GetCertificate}
}

// GetCertificate returns the first certificate that the client can use, by the
// name that it asks for and by the algorithms that it knows, or else the first
// of all. Before that it looks for changed files, once a second at most. It is
// for the field of that name of a tls.Config.
func (r *Reloader) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if r.mu.TryLock() { // or somebody is at it, and the old ones will do
		r.refreshLocked()
		r.mu.Unlock()
	}
	all := r.current.Load()
	if all == nil {
		return nil, errors.New("no certificate is loaded")
	}
	for i := range *all {
		if hello.SupportsCertificate(&(*all)[i]) == nil {
			return &(*all)[i], nil
		}
	}
	return &(*all)[0], nil // the client sees that the name is another one
}

// refreshLocked reads the pairs whose files have changed, and those that could
// not be used the last time, because no change shows when a directory becomes
// readable.
func (r *Reloader) refreshLocked() {
	now := time.Now()
	if now.Sub(r.checked) < interval {
		return
	}
	r.checked = now
	for i := range r.pairs { // none before Load
		s, p := &r.pairs[i], r.Pairs[i]
		// Looked at before they are read: whatever changes later is seen the
		// next time.
		found := r.look(p)
		if s.failure == "" && slices.EqualFunc(found, s.seen, same) {
			continue
		}
		s.seen = found
		cert, err := r.read(p)
		if err == nil {
			all := slices.Clone(*r.current.Load())
			all[i] = cert
			r.current.Store(&all)
		}
		r.tellLocked(s, p, err)
	}
}

// tellLocked calls OnReload unless it would repeat itself.
func (r *Reloader) tellLocked(s *state, p Pair, err error) {
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	if r.OnReload != nil && (err == nil || failure != s.failure) {
		r.OnReload(p, err)
	}
	s.failure = failure
}

// look returns what identifies the content of each file of a pair without
// reading it. Links are followed: a renewal may only move a link.
func (r *Reloader) look(p Pair) []fs.FileInfo {
	var found []fs.FileInfo
	for _, name := range p.files() {
		info, err := r.stat(name)
		if err != nil {
			info = nil
		}
		found = append(found, info)
	}
	return found
}

func (r *Reloader) stat(name string) (fs.FileInfo, error) {
	if r.Open == nil {
		return os.Stat(name)
	}
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// same reports whether both are of one file with one content.
func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// read reads and checks a pair.
func (r *Reloader) read(p Pair) (tls.Certificate, error) {
	var contents [][]byte
	for _, name := range p.files() {
		content, err := r.content(name)
		if err != nil {
			return tls.Certificate{}, fmt.Errorf("certificate %s: %w", p.Cert, err)
		}
		contents = append(contents, content)
	}
	cert, err := tls.X509KeyPair(contents[0], contents[len(contents)-1])
	if err != nil {
		return cert, fmt.Errorf("certificate %s: %w", p.Cert, err)
	}
	return cert, nil
}

func (r *Reloader) content(name string) ([]byte, error) {
	if r.Open == nil {
		return os.ReadFile(name)
	}
	f, err := r.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
