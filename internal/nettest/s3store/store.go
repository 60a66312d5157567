package s3store

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Store is an object store in memory, with one bucket. It knows no signatures.
type Store struct {
	*httptest.Server

	mu      sync.Mutex // guards the fields below
	objects map[string][]byte
	received
	requests []string                                                 // method and what it was for
	fault    func(n int, w http.ResponseWriter, r *http.Request) bool // answers the n-th request itself, if it returns true
}

// Bucket is the name of the bucket.
const Bucket = "pub"

// Modified is the time of all objects.
var Modified = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// New returns a store with objects whose content is their key.
func New(t testing.TB, keys ...string) *Store {
	t.Helper()
	s := Serve(keys...)
	t.Cleanup(s.Close)
	return s
}

// Serve is New for a caller that closes the store.
func Serve(keys ...string) *Store {
	s := &Store{objects: make(map[string][]byte)}
	for _, key := range keys {
		s.objects[key] = []byte(key)
	}
	s.Server = httptest.NewServer(s)
	return s
}

// Put stores an object.
func (s *Store) Put(key string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = content
}

// Forget empties the list of requests, and returns what it was.
func (s *Store) Forget() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.requests
	s.requests = nil
	return was
}

// SetFault lets f answer the n-th request from now on by itself, if it returns true.
func (s *Store) SetFault(f func(n int, w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.fault = nil, f
}

// ServeHTTP answers a request for the store.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	what := r.Method + " " + key + purpose(r)
	if header := r.Header.Get("Range"); header != "" {
		what += " " + header
	}
	s.requests = append(s.requests, what)
	n, fault := len(s.requests), s.fault
	content, found := s.objects[key]
	s.mu.Unlock()
	switch {
	case fault != nil && fault(n, w, r):
	case bucket != Bucket:
		Refuse(w, http.StatusNotFound, "NoSuchBucket")
	case key == "" && r.URL.Query().Has("location"): // the first request, for the region
		_, _ = io.WriteString(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`)
	case key == "" && r.URL.Query().Get("list-type") == "2":
		s.list(w, r)
	case s.Change(w, r):
	case !found:
		Refuse(w, http.StatusNotFound, "NoSuchKey")
	case len(content) == 0 && r.Method == http.MethodGet && r.Header.Get("Range") != "": // as Amazon does
		Refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
	default:
		time := s.describe(w, key, content)
		for parameter, values := range r.URL.Query() {
			if field, ok := strings.CutPrefix(parameter, "response-"); ok {
				w.Header()[http.CanonicalHeaderKey(field)] = values
			}
		}
		http.ServeContent(w, r, "", time, bytes.NewReader(content))
	}
}

// Refuse answers with an error of the store.
func Refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string
	Contents              []listedObject
	CommonPrefixes        []listedPrefix
}

type (
	listedObject struct {
		Key, ETag, LastModified string
		Size                    int
	}
	listedPrefix struct{ Prefix string }
)

// list answers ListObjectsV2.
func (s *Store) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	most, _ := strconv.Atoi(q.Get("max-keys"))
	prefix, after, delimiter := q.Get("prefix"), q.Get("continuation-token"), q.Get("delimiter")
	s.mu.Lock()
	defer s.mu.Unlock()
	var out listing
	keys := slices.AppendSeq(slices.Collect(maps.Keys(s.objects)), maps.Keys(s.removed))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		rest, ok := strings.CutPrefix(key, prefix)
		name, isDir := rest, false
		if delimiter != "" {
			name, _, isDir = strings.Cut(rest, delimiter)
		}
		entry := prefix + name
		if isDir {
			entry += "/"
		}
		_, found := s.objects[key]
		switch n := len(out.CommonPrefixes); {
		case !ok, !found && !isDir, after != "" && entry <= after, isDir && n > 0 && out.CommonPrefixes[n-1].Prefix == entry:
			continue
		case n+len(out.Contents) == most:
			out.IsTruncated = true
		case isDir:
			out.CommonPrefixes = append(out.CommonPrefixes, listedPrefix{entry})
			out.NextContinuationToken = entry
		default:
			out.Contents = append(out.Contents, listedObject{key, s.etag(key, s.objects[key]), s.time(key).Format(time.RFC3339), len(s.objects[key])})
			out.NextContinuationToken = entry
		}
		if out.IsTruncated {
			break
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(out)
}
