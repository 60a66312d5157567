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
)

// FaultProxy passes HTTP requests on to a server, and breaks those that a Fault is for. The field Host of a request
// stays, so that signatures which cover it are valid.
type FaultProxy struct {
	URL string // of the proxy

	proxy *httputil.ReverseProxy

	mu     sync.Mutex // guards the fields below
	faults []*Fault
}

// Fault is what happens to a number of requests. Exactly one of Status, Lost, Reset and Cut is set.
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
}

// NewFaultProxy starts a proxy for the server at the URL to. It ends with the test.
func NewFaultProxy(t testing.TB, to string) *FaultProxy {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p := new(FaultProxy)
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
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); transport.CloseIdleConnections() })
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
	}
}

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
