package s3fs

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// StatusError is the status of an answer that is an error, such as 404.
type StatusError int

func (e StatusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the store answers %d %s", int(e), http.StatusText(int(e))))
}

// Operations returns what Config.OnRequest can be called with.
func Operations() []string {
	return []string{opHead, opGet, opList, opPut, opPart, opMultipart, opCopy, opDelete, opOther, opKeys}
}

const (
	opHead      = "head"
	opGet       = "get"
	opList      = "list"
	opPut       = "put"
	opPart      = "part"      // of an upload by parts
	opMultipart = "multipart" // the beginning, the end and the list of such uploads
	opCopy      = "copy"
	opDelete    = "delete"
	opOther     = "other" // such as for the region of the bucket
	opKeys      = "keys"  // for credentials, to another server than the store
)

// operation returns what a request asks for. store is the host of the store, which may have the bucket before it.
func operation(r *http.Request, store string) string {
	q := r.URL.Query()
	isAmazon := strings.HasSuffix(store, ".amazonaws.com") && strings.Contains(r.URL.Host, "s3") // each region has its own host
	switch {
	case r.URL.Host != store && !strings.HasSuffix(r.URL.Host, "."+store) && !isAmazon:
		return opKeys
	case r.Method == http.MethodHead:
		return opHead
	case r.Method == http.MethodGet && q.Has("list-type"):
		return opList
	case q.Has("uploads"), q.Has("uploadId") && r.Method != http.MethodPut:
		return opMultipart
	case r.Method == http.MethodGet && (q.Has("location") || q.Has("versioning")):
		return opOther
	case r.Method == http.MethodGet:
		return opGet
	case r.Header.Get("X-Amz-Copy-Source") != "":
		return opCopy
	case r.Method == http.MethodPut && q.Has("partNumber"):
		return opPart
	case r.Method == http.MethodPut:
		return opPut
	case r.Method == http.MethodDelete, q.Has("delete"):
		return opDelete
	}
	return opOther
}

// observer is the transport of an FS. It reports requests, and counts those under way.
type observer struct {
	next   http.RoundTripper
	store  string                                         // host of the store
	report func(op string, took time.Duration, err error) // nil: nobody wants it
	inUse  atomic.Int64
	shows  atomic.Bool // the store is one of showRemoved
}

// showRemoved has the field Server of stores whose listings of a bucket with versions have directories of which all objects
// were removed. They are directories of a disk there.
var showRemoved = []string{"MinIO", "VERSITYGW"}

// Connections returns how many connections are in use now: a request has one until its answer is read.
func (s *FS) Connections() int { return int(s.requests.inUse.Load()) }

// RoundTrip implements http.RoundTripper.
func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	begin := time.Now()
	o.inUse.Add(1)
	resp, err := o.next.RoundTrip(r)
	if o.report != nil {
		failure := err
		if err == nil && resp.StatusCode >= http.StatusBadRequest {
			failure = StatusError(resp.StatusCode)
		}
		o.report(operation(r, o.store), time.Since(begin), failure)
	}
	if err != nil {
		o.inUse.Add(-1)
		return nil, err
	}
	if slices.Contains(showRemoved, resp.Header.Get("Server")) {
		o.shows.Store(true)
	}
	resp.Body = &observedBody{ReadCloser: resp.Body, closed: sync.OnceFunc(func() { o.inUse.Add(-1) })}
	return resp, nil
}

// observedBody is the body of an answer. Its end is the end of the request.
type observedBody struct {
	io.ReadCloser
	closed func()
}

func (b *observedBody) Close() error {
	defer b.closed()
	return b.ReadCloser.Close()
}
