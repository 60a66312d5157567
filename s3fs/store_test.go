package s3fs_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/s3fs"
)

// store is an object store in memory, with one bucket. It knows no signatures.
type store struct {
	*httptest.Server

	mu      sync.Mutex // guards the fields below
	objects map[string][]byte
	received
	requests []string                                                 // method and what it was for
	fault    func(n int, w http.ResponseWriter, r *http.Request) bool // answers the n-th request itself, if it returns true
}

const bucketName = "pub"

var modified = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// newStore returns a store with objects whose content is their key.
func newStore(t *testing.T, keys ...string) *store {
	t.Helper()
	s := &store{objects: make(map[string][]byte)}
	for _, key := range keys {
		s.objects[key] = []byte(key)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// open returns the files of the store; change may be nil.
func (s *store) open(t *testing.T, change func(*s3fs.Config)) *s3fs.FS {
	t.Helper()
	c := s3fs.Config{Endpoint: s.URL, Bucket: bucketName, Region: "us-east-1", AccessKey: "key", SecretKey: "secret"}
	if change != nil {
		change(&c)
	}
	files, err := s3fs.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	s.forget()
	return files
}

func (s *store) put(key string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = content
}

// forget empties the list of requests, and returns what it was.
func (s *store) forget() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.requests
	s.requests = nil
	return was
}

func (s *store) setFault(f func(n int, w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.fault = nil, f
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	case bucket != bucketName:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case key == "" && r.URL.Query().Get("list-type") == "2":
		s.list(w, r)
	case s.change(w, r, key):
	case !found:
		refuse(w, http.StatusNotFound, "NoSuchKey")
	default:
		w.Header().Set("ETag", s.lockedEtag(key, content))
		s.describe(w, key)
		http.ServeContent(w, r, "", s.time(key), bytes.NewReader(content))
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
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

// list answers ListObjectsV2 with a delimiter.
func (s *store) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	most, _ := strconv.Atoi(q.Get("max-keys"))
	prefix, after, delimiter := q.Get("prefix"), q.Get("continuation-token"), q.Get("delimiter")
	s.mu.Lock()
	defer s.mu.Unlock()
	var out listing
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		name, isDir := rest, false
		if delimiter != "" {
			name, _, isDir = strings.Cut(rest, delimiter)
		}
		entry := prefix + name
		if isDir {
			entry += "/"
		}
		switch n := len(out.CommonPrefixes); {
		case !ok, after != "" && entry <= after, isDir && n > 0 && out.CommonPrefixes[n-1].Prefix == entry:
			continue
		case n+len(out.Contents) == most:
			out.IsTruncated = true
		case isDir:
			out.CommonPrefixes = append(out.CommonPrefixes, listedPrefix{entry})
			out.NextContinuationToken = entry
		default:
			out.Contents = append(out.Contents, listedObject{key, s.etag(key, s.objects[key]), modified.Format(time.RFC3339), len(s.objects[key])})
			out.NextContinuationToken = entry
		}
		if out.IsTruncated {
			break
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(out)
}
