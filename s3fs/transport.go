package s3fs

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// patience is a transport that waits longer for the answers to requests that copy much in the store. A second attempt while
// the first is still at work would find it half done.
type patience struct {
	normal, patient *http.Transport
}

// longer is how many times longer.
const longer = 20

func newPatience(normal *http.Transport) *patience {
	patient := normal.Clone()
	patient.ResponseHeaderTimeout *= longer
	patient.MaxConnsPerHost = max(1, normal.MaxConnsPerHost/8)
	patient.MaxIdleConnsPerHost = 0 // they are used seldom
	patient.DisableKeepAlives = true
	return &patience{normal, patient}
}

// RoundTrip implements http.RoundTripper.
func (p *patience) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		attempt := &attempt{body: r.Body}
		defer attempt.end()
		own := *r
		own.Body = attempt
		r = &own
	}
	if isSlow(r) {
		return p.patient.RoundTrip(r)
	}
	return p.normal.RoundTrip(r)
}

// isSlow reports whether a request joins parts or copies an object.
func isSlow(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") || r.Header.Get("X-Amz-Copy-Source") != ""
}

// attempt is the body of one attempt at a request. An http.Transport may read on when the answer has come: without this type
// it would take the bytes away from the next attempt, and read a buffer that has another use by then.
type attempt struct {
	body io.Reader // of all attempts

	mu    sync.Mutex // guards the field below, and reading
	ended bool
}

var errEnded = errors.New("the answer came before the end of the request")

func (a *attempt) Read(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return 0, errEnded
	}
	return a.body.Read(p)
}

// Close ends the attempt. The library keeps the body for the next one.
func (a *attempt) Close() error {
	a.end()
	return nil
}

func (a *attempt) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
}
