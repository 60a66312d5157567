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

// Pair has the names of the files of a certificate and of its key, both PEM. In
// Cert the certificates of the chain follow that of the server.
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

// interval is the least time between two checks of the files.
const interval = time.Second

// Reloader loads certificates from files, and reloads them when the files are
// replaced, for example by certbot. Set the fields, then call Load. It is safe for
// concurrent use.
type Reloader struct {
	// Pairs are the certificates in the order of preference.
	Pairs []Pair

	// Open, if not nil, is used instead of os.Open, for a process that has lost the
	// right to open the files itself.
	Open func(name string) (*os.File, error)

	// OnReload, if not nil, is called when the files of a pair have changed: with
	// nil if the new certificate is in use, or with an error if the old one stays.
	// An error that repeats is reported once. The goroutine is that of a handshake.
	OnReload func(Pair, error)

	current atomic.Pointer[[]tls.Certificate] // one for each pair; nil before Load

	mu      sync.Mutex  // guards the fields below
	pairs   []pairState // one for each pair
	checked time.Time
}

// pairState is the result of the last reading of a pair.
type pairState struct {
	files   []fs.FileInfo // of each file; nil if it was missing
	failure string        // error of reading it; "": the pair is in use
}

// Load reads all pairs. It returns the error of the first pair that cannot be used;
// then the Reloader has no certificates.
func (r *Reloader) Load() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Pairs) == 0 {
		return errors.New("no certificate is configured")
	}
	pairs := make([]pairState, len(r.Pairs))
	all := make([]tls.Certificate, len(r.Pairs))
	for i, p := range r.Pairs {
		var err error
		pairs[i].files = r.statFiles(p)
		if all[i], err = r.read(p); err != nil {
			return err
		}
	}
	r.pairs, r.checked = pairs, time.Now()
	r.current.Store(&all)
	return nil
}

// Config returns a new configuration for servers, which the caller may change:
// TLS 1.2 or later, certificates by GetCertificate, and session tickets, whose keys
// package tls renews every day.
func (r *Reloader) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: r.GetCertificate}
}

// GetCertificate returns the first certificate that fits the server name and the
// algorithms of hello, or else the first of all. At most once a second it checks
// the files for changes before. It is for tls.Config.GetCertificate.
func (r *Reloader) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if r.mu.TryLock() { // else another handshake checks, and this one uses the present certificates
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
	return &(*all)[0], nil // the client will refuse the name
}

// refreshLocked reads the pairs whose files have changed. It also retries pairs
// with an error, because a directory that becomes readable does not change the
// files.
func (r *Reloader) refreshLocked() {
	now := time.Now()
	if now.Sub(r.checked) < interval {
		return
	}
	r.checked = now
	for i := range r.pairs { // empty before Load
		s, p := &r.pairs[i], r.Pairs[i]
		// Before they are read, so that a later change is found the next time.
		found := r.statFiles(p)
		if s.failure == "" && slices.EqualFunc(found, s.files, isSameContent) {
			continue
		}
		s.files = found
		cert, err := r.read(p)
		if err == nil {
			all := slices.Clone(*r.current.Load())
			all[i] = cert
			r.current.Store(&all)
		}
		r.reportLocked(s, p, err)
	}
}

// reportLocked calls OnReload unless err is the error of the last time.
func (r *Reloader) reportLocked(s *pairState, p Pair, err error) {
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	if r.OnReload != nil && (err == nil || failure != s.failure) {
		r.OnReload(p, err)
	}
	s.failure = failure
}

// statFiles returns the FileInfo of each file of a pair, nil for an error. It
// follows links, because a renewal may only move a link.
func (r *Reloader) statFiles(p Pair) []fs.FileInfo {
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

// isSameContent reports whether both describe the same version of the same file.
func isSameContent(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// read reads and parses a pair.
func (r *Reloader) read(p Pair) (tls.Certificate, error) {
	var contents [][]byte
	for _, name := range p.files() {
		content, err := r.readFile(name)
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

func (r *Reloader) readFile(name string) ([]byte, error) {
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
