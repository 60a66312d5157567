package nettest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// FaultProxy passes HTTP requests on to a server, and breaks those that a Fault is for. The field Host of a request
// stays, so that signatures which cover it are valid.
type FaultProxy struct {
	URL string // of the proxy

	proxy *httputil.ReverseProxy
	ended chan struct{} // closed at the end of the test

	mu     sync.Mutex // guards the fields below
	faults []*Fault
}

// Fault is what happens to a number of requests. Exactly one of Status, Lost, Reset, Cut and Slow is set.
type Fault struct {
	// Matches says whether it is for a request. Nil: it is for all.
	Matches func(*http.Request) bool

	// Times is how many requests are broken.
	Times int

	// Status is answered, with an error document of that Code, as object stores send it. The server gets nothing.
	Status int
	Code   string

	// Reset resets the connection before the server gets anything.
	Reset bool

	// Lost resets the connection after the server has answered: what the client asked for is done.
	Lost bool

	// Cut ends the connection after this number of bytes of the body of the response.
	Cut int64

	// Slow passes the request on, and the answer back, but slowly.
	Slow Slowness
}

// Slowness is how slow a request is.
type Slowness struct {
	Delay time.Duration // before the server gets the request
	Rate  int64         // bytes a second of both bodies. Zero: any
}

// NewFaultProxy starts a proxy for the server at the URL to. It ends with the test.
func NewFaultProxy(t testing.TB, to string) *FaultProxy {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p := &FaultProxy{ended: make(chan struct{})}
	transport := &http.Transport{DisableCompression: true}
	p.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		},
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { reset(w) },
	}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		close(p.ended)
		server.CloseClientConnections()
		server.Close()
		transport.CloseIdleConnections()
	})
	p.URL = server.URL
	return p
}

// Break adds faults. The first that is for a request decides.
func (p *FaultProxy) Break(faults ...*Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, faults...)
}

// Mend removes all faults.
func (p *FaultProxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// fault returns the fault that is for a request, or nil.
func (p *FaultProxy) fault(r *http.Request) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if f.Times > 0 && (f.Matches == nil || f.Matches(r)) {
			f.Times--
			return f
		}
	}
	return nil
}

// ServeHTTP passes a request on, or breaks it.
func (p *FaultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := p.fault(r)
	if f == nil {
		p.proxy.ServeHTTP(w, r)
		return
	}
	switch {
	case f.Status != 0:
		_, _ = io.Copy(io.Discard, r.Body)
		body := fmt.Appendf(nil, `<?xml version="1.0"?><Error><Code>%s</Code><Message>a fault of the test</Message></Error>`, f.Code)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(f.Status)
		_, _ = io.Copy(w, bytes.NewReader(body))
	case f.Reset:
		reset(w)
	case f.Lost:
		p.proxy.ServeHTTP(httptest.NewRecorder(), r)
		reset(w)
	case f.Cut > 0:
		p.proxy.ServeHTTP(&cutWriter{ResponseWriter: w, left: f.Cut}, r) // it ends the connection when Write fails
	case f.Slow != Slowness{}:
		p.serveSlowly(w, r, f.Slow)
	}
}

// serveSlowly passes a request on slowly, until one side or the test ends.
func (p *FaultProxy) serveSlowly(w http.ResponseWriter, r *http.Request, slow Slowness) {
	wait := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		case <-p.ended:
			return io.ErrClosedPipe
		}
	}
	if wait(slow.Delay) != nil {
		reset(w)
		return
	}
	if slow.Rate > 0 {
		r.Body = &slowBody{r.Body, slow.Rate, wait}
		w = &slowWriter{w, slow.Rate, wait}
	}
	p.proxy.ServeHTTP(w, r)
}

// stepsPerSecond is how many times a second bytes of a slow body pass.
const stepsPerSecond = 20

// slowBody is the body of a request, of which some bytes are read at a time.
type slowBody struct {
	io.ReadCloser
	rate int64
	wait func(time.Duration) error
}

func (s *slowBody) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b[:min(int64(len(b)), max(s.rate/stepsPerSecond, 1))])
	if err == nil { // the end of a body comes at once: the transport takes no answer before it
		err = s.wait(time.Second / stepsPerSecond)
	}
	return n, err
}

// slowWriter sends the body of a response, some bytes at a time.
type slowWriter struct {
	http.ResponseWriter
	rate int64
	wait func(time.Duration) error
}

func (s *slowWriter) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		if err = s.wait(time.Second / stepsPerSecond); err != nil {
			break
		}
		var some int
		some, err = s.ResponseWriter.Write(b[n:min(len(b), n+int(max(s.rate/stepsPerSecond, 1)))])
		n += some
		_ = http.NewResponseController(s.ResponseWriter).Flush()
	}
	return n, err
}

// Unwrap lets the proxy flush what was written.
func (s *slowWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// cutWriter takes a number of bytes of a body, and fails then.
type cutWriter struct {
	http.ResponseWriter
	left int64
}

func (c *cutWriter) Write(b []byte) (n int, err error) {
	n, err = c.ResponseWriter.Write(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	if err == nil && n < len(b) {
		err = io.ErrClosedPipe
	}
	return n, err
}

// Unwrap lets the proxy flush what was written.
func (c *cutWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// reset resets the connection of a request.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
