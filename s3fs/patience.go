package s3fs

import "net/http"

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
	if isSlow(r) {
		return p.patient.RoundTrip(r)
	}
	return p.normal.RoundTrip(r)
}

// isSlow reports whether a request joins parts or copies an object.
func isSlow(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") || r.Header.Get("X-Amz-Copy-Source") != ""
}
