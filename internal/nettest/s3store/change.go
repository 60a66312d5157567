package s3store

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// received is what a store has got by requests.
type received struct {
	etags   map[string]string // of objects; the others have their length
	fields  map[string]http.Header
	times   map[string]time.Time
	uploads map[string]*receivedUpload // by their ID
	aborted int
	simple  bool            // knows no conditions
	removed map[string]bool // keys of removed objects; nil: nobody remembers them
}

// KeepVersions makes it a store with versions whose listings have the directories of removed objects, as those of MinIO and
// versitygw have. The old versions cannot be read.
func (s *Store) KeepVersions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = make(map[string]bool)
}

// remove removes an object. The caller has the lock.
func (s *Store) remove(key string) {
	if _, found := s.objects[key]; found && s.removed != nil {
		s.removed[key] = true
	}
	delete(s.objects, key)
	delete(s.etags, key)
	delete(s.fields, key)
}

// ForgetConditions makes it a store that does not know If-None-Match.
func (s *Store) ForgetConditions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.simple = true
}

type receivedUpload struct {
	key    string
	fields http.Header
	parts  map[int][]byte
}

// purpose returns what makes a request another one than for an object.
func purpose(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("uploads"):
		return " uploads"
	case q.Has("partNumber"):
		return " part " + q.Get("partNumber")
	case q.Has("uploadId"):
		return " upload"
	case q.Has("delete"):
		return " delete"
	case r.Header.Get("X-Amz-Copy-Source") != "":
		return " copy"
	}
	return ""
}

// describe sends the metadata of an object, and returns when it was stored.
func (s *Store) describe(w http.ResponseWriter, key string, content []byte) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(w.Header(), s.fields[key])
	w.Header().Set("ETag", s.etag(key, content))
	return s.time(key)
}

// MakeOld makes the time of all objects Modified.
func (s *Store) MakeOld() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.times)
}

// metadata returns the fields of a request that stay with the object.
func metadata(r *http.Request) http.Header {
	fields := make(http.Header)
	for name, value := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			fields[name] = value
		}
	}
	return fields
}

func tagOf(content []byte) string { return fmt.Sprintf(`"%x"`, md5.Sum(content)) }

// Keys returns those of all objects.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Unfinished returns how many multipart uploads there are, and how many parts they have.
func (s *Store) Unfinished() (uploads, parts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.uploads {
		parts += len(u.parts)
	}
	return len(s.uploads), parts
}

// Change answers a request that changes something, and those about multipart uploads. It returns false for others.
func (s *Store) Change(w http.ResponseWriter, r *http.Request) bool {
	q, key := r.URL.Query(), strings.TrimPrefix(r.URL.Path, "/"+Bucket+"/")
	if r.Method == http.MethodGet && q.Has("versioning") {
		s.mu.Lock()
		defer s.mu.Unlock()
		result := xmlResult{XMLName: xml.Name{Local: "VersioningConfiguration"}}
		if s.removed != nil {
			result.Status = "Enabled"
			w.Header().Set("Server", "MinIO")
		}
		answer(w, result)
		return true
	}
	if r.Method == http.MethodHead || r.Method == http.MethodGet && !q.Has("uploadId") {
		return false
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return true // the client has gone
	}
	sum := sha256.Sum256(content)
	if said := r.Header.Get("X-Amz-Content-Sha256"); said != "" && said != "UNSIGNED-PAYLOAD" && said != hex.EncodeToString(sum[:]) {
		Refuse(w, http.StatusBadRequest, "XAmzContentSHA256Mismatch")
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("If-None-Match") == "*" {
		_, found := s.objects[key]
		if s.simple {
			Refuse(w, http.StatusNotImplemented, "NotImplemented")
			return true
		}
		if found {
			Refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
			return true
		}
	}
	id := q.Get("uploadId")
	upload := s.uploads[id]
	source, isCopy, ok := s.source(w, r)
	switch {
	case !ok:
	case id != "" && (upload == nil || upload.key != key):
		Refuse(w, http.StatusNotFound, "NoSuchUpload")
	case id != "":
		if isCopy {
			content = source
		}
		s.part(w, r, upload, id, content)
	case q.Has("uploads"):
		s.begin(w, r, key)
	case q.Has("delete"):
		s.deleteAll(w, content)
	case r.Method == http.MethodDelete:
		s.remove(key)
		w.WriteHeader(http.StatusNoContent)
	case isCopy:
		s.store(key, source, s.fields[sourceOf(r)])
		answer(w, xmlResult{XMLName: xml.Name{Local: "CopyObjectResult"}, ETag: s.etags[key]})
	case r.Method == http.MethodPut:
		s.store(key, content, metadata(r))
		w.Header().Set("ETag", s.etags[key])
	default:
		Refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
	return true
}

// The methods below are for callers that have the lock.

// etag returns the tag of an object.
func (s *Store) etag(key string, content []byte) string {
	if tag := s.etags[key]; tag != "" {
		return tag
	}
	return fmt.Sprintf(`"%x"`, len(content))
}

// time returns when an object was stored.
func (s *Store) time(key string) time.Time {
	if at, ok := s.times[key]; ok {
		return at
	}
	return Modified
}

func (s *Store) store(key string, content []byte, fields http.Header) {
	if s.etags == nil {
		s.etags, s.fields, s.times = make(map[string]string), make(map[string]http.Header), make(map[string]time.Time)
	}
	s.objects[key], s.etags[key], s.fields[key], s.times[key] = content, tagOf(content), fields, time.Now()
}

func sourceOf(r *http.Request) string {
	name, _ := url.PathUnescape(r.Header.Get("X-Amz-Copy-Source"))
	return strings.TrimPrefix(strings.TrimPrefix(name, "/"), Bucket+"/")
}

// source returns what a request copies. If ok is false, the request was refused.
func (s *Store) source(w http.ResponseWriter, r *http.Request) (content []byte, isCopy, ok bool) {
	if r.Header.Get("X-Amz-Copy-Source") == "" {
		return nil, false, true
	}
	key := sourceOf(r)
	content, found := s.objects[key]
	if !found {
		Refuse(w, http.StatusNotFound, "NoSuchKey")
		return nil, true, false
	}
	if tag := r.Header.Get("X-Amz-Copy-Source-If-Match"); tag != "" && tag != s.etag(key, content) {
		Refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return nil, true, false
	}
	var from, to int
	if n, _ := fmt.Sscanf(r.Header.Get("X-Amz-Copy-Source-Range"), "bytes=%d-%d", &from, &to); n == 2 {
		content = content[from : to+1]
	}
	return content, true, true
}

type xmlResult struct {
	XMLName              xml.Name
	Bucket               string `xml:",omitempty"`
	Key                  string `xml:",omitempty"`
	UploadID             string `xml:"UploadId,omitempty"`
	ETag                 string `xml:",omitempty"`
	Status               string `xml:",omitempty"`
	IsTruncated          bool
	NextPartNumberMarker int
	Part                 []xmlPart
	Deleted              []xmlKey
}

type xmlPart struct {
	PartNumber int
	ETag       string
	Size       int
}

type xmlKey struct{ Key string }

func answer(w http.ResponseWriter, result xmlResult) {
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(result)
}

func (s *Store) begin(w http.ResponseWriter, r *http.Request, key string) {
	if s.uploads == nil {
		s.uploads = make(map[string]*receivedUpload)
	}
	id := fmt.Sprintf("id-%d", len(s.uploads)+s.aborted)
	for s.uploads[id] != nil {
		id += "x"
	}
	s.uploads[id] = &receivedUpload{key: key, fields: metadata(r), parts: make(map[int][]byte)}
	answer(w, xmlResult{XMLName: xml.Name{Local: "InitiateMultipartUploadResult"}, Bucket: Bucket, Key: key, UploadID: id})
}

// part answers a request about a multipart upload.
func (s *Store) part(w http.ResponseWriter, r *http.Request, u *receivedUpload, id string, content []byte) {
	switch r.Method {
	case http.MethodDelete:
		delete(s.uploads, id)
		s.aborted++
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPut:
		number, _ := strconv.Atoi(r.URL.Query().Get("partNumber"))
		u.parts[number] = content
		w.Header().Set("ETag", tagOf(content))
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			answer(w, xmlResult{XMLName: xml.Name{Local: "CopyPartResult"}, ETag: tagOf(content)})
		}
	case http.MethodGet:
		s.listParts(w, r, u)
	default:
		s.complete(w, u, id, content)
	}
}

// partsOfAPage is how many parts a listing has: few, so that the tests need more than one page.
const partsOfAPage = 2

func (s *Store) listParts(w http.ResponseWriter, r *http.Request, u *receivedUpload) {
	after, _ := strconv.Atoi(r.URL.Query().Get("part-number-marker"))
	out := xmlResult{XMLName: xml.Name{Local: "ListPartsResult"}}
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		switch {
		case number <= after:
		case len(out.Part) == partsOfAPage:
			out.IsTruncated = true
		default:
			out.Part = append(out.Part, xmlPart{number, tagOf(u.parts[number]), len(u.parts[number])})
			out.NextPartNumberMarker = number
		}
	}
	answer(w, out)
}

func (s *Store) complete(w http.ResponseWriter, u *receivedUpload, id string, content []byte) {
	var list struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	_ = xml.Unmarshal(content, &list)
	var whole []byte
	for _, p := range list.Part {
		part, found := u.parts[p.PartNumber]
		if !found || strings.Trim(tagOf(part), `"`) != strings.Trim(p.ETag, `"`) {
			Refuse(w, http.StatusBadRequest, "InvalidPart")
			return
		}
		whole = append(whole, part...)
	}
	s.store(u.key, whole, u.fields)
	delete(s.uploads, id)
	answer(w, xmlResult{XMLName: xml.Name{Local: "CompleteMultipartUploadResult"}, Bucket: Bucket, Key: u.key, ETag: s.etags[u.key]})
}

func (s *Store) deleteAll(w http.ResponseWriter, content []byte) {
	var list struct{ Object []xmlKey }
	_ = xml.Unmarshal(content, &list)
	for _, o := range list.Object {
		s.remove(o.Key)
	}
	answer(w, xmlResult{XMLName: xml.Name{Local: "DeleteResult"}, Deleted: list.Object})
}
