package httpd_test

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // tus demands it
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// resumes is a server to which uploads can be resumed.
type resumes struct {
	t        *testing.T
	root     *vfs.Root
	dir, url string
	reported <-chan httpd.Transfer
	client   *http.Client
}

func serveResumable(t *testing.T, h *httpd.Handler, files map[string]string) *resumes {
	t.Helper()
	needsRemoval(t)
	root, dir := writable(t, files)
	h.FS = root
	if h.Write == 0 {
		h.Write = writing
	}
	url, reported := serveFS(t, h, nil)
	return &resumes{t, root, dir, url, reported, http.DefaultClient}
}

// request sends a request, and checks the status.
func (s *resumes) request(status int, method, target, body string, header ...string) *http.Response {
	s.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	resp, text := send(s.t, s.client, method, s.url+target, content, header...)
	if resp.StatusCode != status {
		s.t.Errorf("%s %s %v: %s %q, want %d", method, target, header, resp.Status, text, status)
	}
	return resp
}

func metadata(name string) string {
	return "filename " + base64.StdEncoding.EncodeToString([]byte(name))
}

// tus are the fields of every request by tus, and more.
func tus(more ...string) []string { return append([]string{"Tus-Resumable", "1.0.0"}, more...) }

func patch(offset int, more ...string) []string {
	return tus(append([]string{"Upload-Offset", fmt.Sprint(offset), "Content-Type", "application/offset+octet-stream"}, more...)...)
}

// begin begins an upload by tus, and returns its address.
func (s *resumes) begin(dir, name string, size int, more ...string) (target string) {
	s.t.Helper()
	resp := s.request(201, "POST", dir, "", tus(append([]string{"Upload-Length", fmt.Sprint(size), "Upload-Metadata", metadata(name)}, more...)...)...)
	return s.address(dir, resp)
}

// address returns the target of the address in a response to a request to dir.
func (s *resumes) address(dir string, resp *http.Response) string {
	s.t.Helper()
	location := resp.Header.Get("Location")
	if !strings.HasPrefix(location, "./?upload=") {
		s.t.Fatalf("Location %q", location)
	}
	return dir + strings.TrimPrefix(location, "./")
}

// wantOffset checks the answer to HEAD.
func (s *resumes) wantOffset(target string, want int) {
	s.t.Helper()
	resp := s.request(200, "HEAD", target, "", tus()...)
	if got := resp.Header.Get("Upload-Offset"); got != fmt.Sprint(want) || resp.Header.Get("Cache-Control") != "no-store" {
		s.t.Errorf("Upload-Offset %q, Cache-Control %q, want %d, no-store", got, resp.Header.Get("Cache-Control"), want)
	}
}

func TestAFileIsUploadedByTus(t *testing.T) {
	for _, user := range []string{"alice", ""} {
		s := serveResumable(t, &httpd.Handler{User: user}, map[string]string{"d/x": "x"})
		target := s.begin("/d/", "new file.txt", 10)
		s.wantOffset(target, 0)
		resp := s.request(204, "PATCH", target, "0123", patch(0)...)
		if got := resp.Header; got.Get("Upload-Offset") != "4" || got.Get("Tus-Resumable") != "1.0.0" || got.Get("Upload-Expires") == "" {
			t.Errorf("the header is %v", got)
		}
		if got := contentOf(t, s.root, "/d/new file.txt"); got != "-" {
			t.Errorf("the file is %q before it is whole", got)
		}
		s.wantOffset(target, 4)
		s.request(409, "PATCH", target, "xxxx", patch(0)...)
		resp = s.request(204, "PATCH", target, "456789", patch(4)...)
		if tag := resp.Header.Get("Etag"); tag == "" || resp.Header.Get("Upload-Offset") != "10" {
			t.Errorf("the header is %v", resp.Header)
		}
		if got := contentOf(t, s.root, "/d/new file.txt"); got != "0123456789" {
			t.Errorf("the file is %q", got)
		}
		s.wantOffset(target, 10) // the last response may be lost
		s.request(204, "PATCH", target, "", patch(10)...)
		s.request(400, "PATCH", target, "x", patch(10)...)
		s.request(204, "DELETE", target, "", tus()...)
		s.request(404, "HEAD", target, "", tus()...)
		wantNoRemains(t, s.root, "/d")
		if got := contentOf(t, s.root, "/d/new file.txt"); got != "0123456789" {
			t.Errorf("the file is %q after DELETE of the upload", got)
		}
	}
}

var tusFiles = map[string]string{"f": "old", "d/": ""}

func sha1Of(text string) string {
	sum := sha1.Sum([]byte(text))
	return "sha1 " + base64.StdEncoding.EncodeToString(sum[:])
}

var fileF = metadata("f")

// tusTest is a request that begins an upload, or another one if target has a method, of a tree of tusFiles.
type tusTest struct {
	name   string
	rights httpd.Rights
	target string
	header []string
	body   string
	status int
	reason string
	want   string // content of /f afterwards; "": as before
}

var tusTests = []tusTest{
	{"with all bytes at once", writing, "/", tus("Upload-Length", "3", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream"), "new", 201, "", "new"},
	{"with some bytes", writing, "/", tus("Upload-Length", "9", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream"), "new", 201, "", ""},
	{"with too many bytes", writing, "/", tus("Upload-Length", "2", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream"), "new", 413, "Upload-Length", ""},
	{"of no bytes", writing, "/", tus("Upload-Length", "0", "Upload-Metadata", fileF), "", 201, "", "empty"},
	{"of a length that is not known yet", writing, "/", tus("Upload-Defer-Length", "1", "Upload-Metadata", fileF), "", 201, "", ""},
	{"without a length", writing, "/", tus("Upload-Metadata", fileF), "", 400, "Upload-Length", ""},
	{"with both", writing, "/", tus("Upload-Metadata", fileF, "Upload-Length", "1", "Upload-Defer-Length", "1"), "", 400, "Upload-Length", ""},
	{"with a malformed length", writing, "/", tus("Upload-Metadata", fileF, "Upload-Length", "+1"), "", 400, "digits", ""},
	{"larger than MaxUpload", writing, "/", tus("Upload-Metadata", fileF, "Upload-Length", "1001"), "", 413, "1000 bytes", ""},
	{"without a name", writing, "/", tus("Upload-Length", "1"), "", 400, "filename", ""},
	{"with a name in another directory", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", metadata("../f")), "", 400, "no directory", ""},
	{"with a backslash", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", metadata(`d\f`)), "", 400, "no directory", ""},
	{"with a line end", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", metadata("f\n")), "", 400, "control", ""},
	{"with a hidden name", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", metadata(".f")), "", 403, "served here", ""},
	{"with two names", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", fileF+","+fileF), "", 400, "Upload-Metadata", ""},
	{"with malformed metadata", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", "filename ???"), "", 400, "Upload-Metadata", ""},
	{"over a directory", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", metadata("d")), "", 409, "directory", ""},
	{"in a directory that does not exist", writing, "/no/", tus("Upload-Length", "1", "Upload-Metadata", fileF), "", 409, "no directory", ""},
	{"to a file", writing, "/f", tus("Upload-Length", "1", "Upload-Metadata", fileF), "", 405, "directory", ""},
	{"with another version", writing, "/", []string{"Tus-Resumable", "0.2.2", "Upload-Length", "1", "Upload-Metadata", fileF}, "", 412, "1.0.0", ""},
	{"with the right create alone", httpd.Create, "/", tus("Upload-Length", "1", "Upload-Metadata", fileF), "", 403, `"change"`, ""},
	{"with the right change alone", httpd.Change, "/", tus("Upload-Length", "1", "Upload-Metadata", metadata("n")), "", 403, `"create"`, ""},
	{"with the right delete alone", httpd.Delete, "/", tus("Upload-Length", "1", "Upload-Metadata", fileF), "", 405, "", ""},
	{"of a new file only", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", fileF, "If-None-Match", "*"), "", 412, "condition", ""},
	{"with a right checksum", writing, "/", tus("Upload-Length", "3", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream", "Upload-Checksum", sha1Of("new")), "new", 201, "", "new"},
	{"with a wrong checksum", writing, "/", tus("Upload-Length", "3", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream", "Upload-Checksum", sha1Of("other")), "new", 460, "checksum", ""},
	{"with an unknown checksum", writing, "/", tus("Upload-Length", "3", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream", "Upload-Checksum", "md5 AAAA"), "new", 400, "sha256", ""},
	{"with a right Content-Digest", writing, "/", tus("Upload-Length", "3", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream", "Content-Digest", sha256Field("new")), "new", 201, "", "new"},
	{"with a right Repr-Digest", writing, "/", tus("Upload-Length", "3", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream", "Repr-Digest", sha256Field("new")), "new", 201, "", "new"},
	{"with a wrong Repr-Digest", writing, "/", tus("Upload-Length", "3", "Upload-Metadata", fileF, "Content-Type", "application/offset+octet-stream", "Repr-Digest", sha256Field("other")), "new", 460, "checksum", ""},
	{"in parallel", writing, "/", tus("Upload-Length", "1", "Upload-Concat", "partial"), "", 400, "Upload-Concat", ""},
	{"with a body of another type", writing, "/", tus("Upload-Length", "3", "Upload-Metadata", fileF), "new", 415, "offset+octet-stream", ""},
	{"by a page of another origin", writing, "/", tus("Upload-Length", "1", "Upload-Metadata", fileF, "Sec-Fetch-Site", "cross-site"), "", 403, "another origin", ""},

	{"POST of anything else", writing, "/", nil, "new", 415, "PUT", ""},
	{"POST to an upload", writing, "/?upload=x", nil, "new", 405, "PATCH", ""},
	{"PATCH of a file", writing, "PATCH /f", nil, "new", 405, "", ""},
	{"PATCH of no upload", writing, "PATCH /?upload=x", patch(0), "new", 404, "no such upload", ""},
	{"DELETE of no upload removes no directory", writing, "DELETE /d/?upload=x", tus(), "", 404, "no such upload", ""},
}

func (tt tusTest) run(t *testing.T, fsys afero.Fs, wrong wrong) {
	t.Helper()
	url, reported := serveFS(t, &httpd.Handler{FS: fsys, Write: tt.rights, MaxUpload: 1000}, nil)
	method, target, found := strings.Cut(tt.target, " ")
	if !found {
		method, target = "POST", tt.target
	}
	resp, text := send(t, http.DefaultClient, method, url+target, strings.NewReader(tt.body), tt.header...)
	if resp.StatusCode != tt.status || !strings.Contains(text, tt.reason) {
		wrong("%s %q, want %d with %q", resp.Status, text, tt.status, tt.reason)
	}
	want := tt.want
	switch want {
	case "":
		want = "old"
	case "empty":
		want = ""
	}
	if got := contentOf(t, fsys, "/f"); got != want {
		wrong("the file is %q, want %q", got, want)
	}
	if info, err := fsys.Stat("/d"); err != nil || !info.IsDir() {
		wrong("the directory: %v", err)
	}
	isTus := len(tt.header) > 0 && tt.reason != "another origin"
	if isTus != (resp.Header.Get("Tus-Version") == "1.0.0") || isTus != (resp.Header.Get("Tus-Resumable") == "1.0.0") {
		wrong("the header is %v", resp.Header)
	}
	if began := resp.Header.Get("Location") != ""; !began {
		wantNoRemains(t, fsys, "/")
	}
	rec := <-reported
	if rec.Status != tt.status || rec.Op != method {
		wrong("recorded %s %d", rec.Op, rec.Status)
	}
}

func TestRequestsByTus(t *testing.T) {
	needsRemoval(t)
	for _, tt := range tusTests {
		t.Run(tt.name, func(t *testing.T) {
			root, _ := writable(t, tusFiles)
			tt.run(t, root, t.Errorf)
		})
	}
}

func TestPatchByTus(t *testing.T) {
	wrong := "sha256 " + base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, tt := range []struct {
		name   string
		body   string
		header []string
		status int
		offset int
	}{
		{"appends", "456", patch(3), 204, 6},
		{"at another offset", "456", patch(2), 409, 3},
		{"without an offset", "456", tus("Content-Type", "application/offset+octet-stream"), 400, 3},
		{"of another type", "456", tus("Upload-Offset", "3"), 415, 3},
		{"with too many bytes", "4567890", patch(3), 413, 3},
		{"with a wrong checksum", "456", patch(3, "Upload-Checksum", wrong), 460, 3},
		{"with a wrong Content-Digest", "456", patch(3, "Content-Digest", sha256Field("other")), 460, 3},
		{"with a right Content-Digest", "456", patch(3, "Content-Digest", sha256Field("456")), 204, 6},
		{"with another length", "456", patch(3, "Upload-Length", "8"), 400, 3},
		{"with a coding", "456", patch(3, "Content-Encoding", "gzip"), 415, 3},
		{"of nothing", "", patch(3), 204, 3},
		{"with another version", "456", patch(3, "Tus-Resumable", "2.0.0"), 412, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serveResumable(t, &httpd.Handler{}, nil)
			target := s.begin("/", "f", 9)
			s.request(204, "PATCH", target, "123", patch(0)...)
			resp := s.request(tt.status, "PATCH", target, tt.body, tt.header...)
			if got := resp.Header.Get("Upload-Offset"); got != fmt.Sprint(tt.offset) && tt.status != 412 {
				t.Errorf("Upload-Offset %q, want %d", got, tt.offset)
			}
			s.wantOffset(target, tt.offset)
			s.request(204, "POST", target, "x", patch(tt.offset, "X-HTTP-Method-Override", "PATCH")...)
		})
	}
}

func TestALengthThatWasNotKnownComesWithPatch(t *testing.T) {
	s := serveResumable(t, &httpd.Handler{MaxUpload: 100}, nil)
	resp := s.request(201, "POST", "/", "", tus("Upload-Defer-Length", "1", "Upload-Metadata", metadata("f"))...)
	target := s.address("/", resp)
	s.request(204, "PATCH", target, "123", patch(0)...)
	if resp := s.request(200, "HEAD", target, "", tus()...); resp.Header.Get("Upload-Defer-Length") != "1" {
		t.Errorf("the header is %v", resp.Header)
	}
	s.request(413, "PATCH", target, "4", patch(3, "Upload-Length", "101")...)
	s.request(413, "PATCH", target, strings.Repeat("x", 98), patch(3)...)
	s.request(204, "PATCH", target, "4", patch(3, "Upload-Length", "5")...)
	if resp := s.request(200, "HEAD", target, "", tus()...); resp.Header.Get("Upload-Length") != "5" {
		t.Errorf("the header is %v", resp.Header)
	}
	s.request(204, "PATCH", target, "5", patch(4)...)
	if got := contentOf(t, s.root, "/f"); got != "12345" {
		t.Errorf("the file is %q", got)
	}
}

func TestWhatAnUploadWasBegunWithHoldsWhenItEnds(t *testing.T) {
	s := serveResumable(t, &httpd.Handler{}, nil)
	target := s.begin("/", "f", 3, "If-None-Match", "*", "X-OC-Mtime", "1000000000")
	s.request(204, "PATCH", target, "ne", patch(0)...)
	fill(t, s.root, map[string]string{"f": "meanwhile"})
	s.request(412, "PATCH", target, "w", patch(2)...)
	if got := contentOf(t, s.root, "/f"); got != "meanwhile" {
		t.Errorf("the file is %q", got)
	}
	s.wantOffset(target, 2) // nothing is lost
	if err := s.root.Remove("/f"); err != nil {
		t.Fatal(err)
	}
	resp := s.request(204, "PATCH", target, "w", patch(2)...)
	info, err := s.root.Stat("/f")
	if err != nil || info.ModTime().Unix() != 1000000000 || resp.Header.Get("X-Oc-Mtime") != "accepted" {
		t.Errorf("%v, %v, the header is %v", info, err, resp.Header)
	}
}

// An upload whose last bytes came before a crash is completed by HEAD, because a client takes
// the offset at the end for a success.
func TestHeadNeverSaysThatAnUploadIsDoneBeforeItIs(t *testing.T) {
	s := serveResumable(t, &httpd.Handler{}, nil)
	target := s.begin("/", "f", 3, "If-None-Match", "*")
	names, err := filepath.Glob(filepath.Join(s.dir, ".*.bytes.sluice-part"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if err := os.WriteFile(names[0], []byte("new"), 0o644); err != nil { // as if it was killed before the response
		t.Fatal(err)
	}
	fill(t, s.root, map[string]string{"f": "meanwhile"})
	s.request(412, "HEAD", target, "", tus()...)
	if err := s.root.Remove("/f"); err != nil {
		t.Fatal(err)
	}
	s.wantOffset(target, 3)
	if got := contentOf(t, s.root, "/f"); got != "new" {
		t.Errorf("the file is %q", got)
	}
}

func TestAnUploadBelongsToTheAccountThatHasBegunIt(t *testing.T) {
	needsRemoval(t)
	root, dir := writable(t, map[string]string{"x": ""})
	users := accounts{
		"alice": {FS: root, Rights: readOnly | writing}, "bob": {FS: root, Rights: readOnly | writing},
	}
	t.Cleanup(httpd.DelayLogins(time.Millisecond))
	guest := &httpd.Handler{FS: root, Write: writing}
	url, reported := serveFS(t, guest, func(srv *httpd.Server) { srv.Login = users.logIn })
	s := &resumes{t, root, dir, url, reported, http.DefaultClient}
	as := func(user string, more ...string) []string {
		if user != "" {
			more = append(more, "Authorization", basic(user, "secret of "+user).Get("Authorization"))
		}
		return more
	}
	for _, owner := range []string{"alice", ""} {
		resp := s.request(201, "POST", "/", "", as(owner, tus("Upload-Length", "6", "Upload-Metadata", metadata("f"))...)...)
		target := s.address("/", resp)
		for _, other := range []string{"alice", "bob", ""} {
			if other == owner {
				continue
			}
			s.request(404, "HEAD", target, "", as(other, tus()...)...)
			s.request(404, "DELETE", target, "", as(other, tus()...)...)
			s.request(404, "PATCH", target, "123", as(other, patch(0)...)...)
		}
		s.request(204, "PATCH", target, "123", as(owner, patch(0)...)...)
		s.request(204, "PATCH", target, "456", as(owner, patch(3)...)...)
		if got := contentOf(t, root, "/f"); got != "123456" {
			t.Errorf("the file is %q", got)
		}
	}
}

func TestLargeBodiesOfPatchAreSpliced(t *testing.T) {
	const size, first = 12 << 20, 5<<20 + 17
	content, err := io.ReadAll(nettest.Pattern(size))
	if err != nil {
		t.Fatal(err)
	}
	s := serveResumable(t, &httpd.Handler{User: "alice"}, nil)
	target := s.begin("/", "big", size)
	<-s.reported
	for _, piece := range [][2]int{{0, first}, {first, size}} {
		resp, text := send(t, s.client, "PATCH", s.url+target, bytes.NewReader(content[piece[0]:piece[1]]), patch(piece[0])...)
		rec := <-s.reported
		if resp.StatusCode != 204 || rec.Method != uploadMethod || rec.Sent != int64(piece[1]-piece[0]) || rec.Offset != int64(piece[0]) ||
			rec.Path != "/big" || !rec.Upload || rec.User != "alice" || rec.Op != "PATCH" {
			t.Errorf("%s %q, recorded %+v", resp.Status, text, rec)
		}
		if rec.Method == sendfile.Splice && rec.ZeroCopied < rec.Sent-(64<<10) {
			t.Errorf("%d of %d bytes were spliced", rec.ZeroCopied, rec.Sent)
		}
	}
	got, err := os.ReadFile(filepath.Join(s.dir, "big"))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("the content of %d bytes differs, %v", len(got), err)
	}
}

// half sends the head of a PATCH of size bytes, and the first of them, and returns the
// connection.
func (s *resumes) half(target, body string, size int, offset int) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "PATCH %s HTTP/1.1\r\nHost: test\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: %d\r\n"+
		"Content-Type: application/offset+octet-stream\r\nContent-Length: %d\r\n\r\n%s", target, offset, size, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// awaitBytes waits until so many bytes of an upload are on the disk.
func (s *resumes) awaitBytes(want int64) {
	s.t.Helper()
	s.await(".*.bytes.sluice-part", func(size int64) bool { return size == want })
}

// awaitPart waits until a hidden file has at least so many bytes.
func (s *resumes) awaitPart(least int64) {
	s.t.Helper()
	s.await(".*.sluice-part", func(size int64) bool { return size >= least })
}

func (s *resumes) await(pattern string, wanted func(size int64) bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		names, err := filepath.Glob(filepath.Join(s.dir, pattern))
		if err != nil || len(names) != 1 {
			continue
		}
		if info, err := os.Stat(names[0]); err == nil && wanted(info.Size()) {
			return
		}
	}
	s.t.Error("the bytes did not arrive")
}

func TestAnUploadGoesOnAfterACutLine(t *testing.T) {
	const size = 8 << 20
	content, err := io.ReadAll(nettest.Pattern(size))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		n    int
	}{{"of few bytes", 1000}, {"of many bytes", 3 << 20}} {
		t.Run(tt.name, func(t *testing.T) {
			s := serveResumable(t, &httpd.Handler{}, nil)
			target := s.begin("/", "big", size)
			<-s.reported
			c := s.half(target, string(content[:tt.n]), size, 0)
			s.awaitBytes(int64(tt.n))
			_ = c.Close()
			rec := <-s.reported
			if rec.Err == nil || rec.Kept != int64(tt.n) {
				t.Errorf("recorded %+v", rec)
			}
			s.wantOffset(target, tt.n)
			s.request(204, "PATCH", target, string(content[tt.n:]), patch(tt.n)...)
			got, err := os.ReadFile(filepath.Join(s.dir, "big"))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("the content of %d bytes differs, %v", len(got), err)
			}
		})
	}
}

// A connection that is lost without a word holds its upload only until the client comes back.
func TestAStaleRequestIsStoppedWhenTheClientComesBack(t *testing.T) {
	content, err := io.ReadAll(nettest.Pattern(4 << 20))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1000, 4 << 20} { // copied, spliced
		for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
			t.Run(fmt.Sprintf("%s, %d bytes", method, size), func(t *testing.T) {
				s := serveResumable(t, &httpd.Handler{}, nil)
				target := s.begin("/", "f", size)
				half := size / 2
				<-s.reported
				s.half(target, string(content[:half]), size, 0) // and the line is silent
				s.awaitBytes(int64(half))
				switch method {
				case "HEAD":
					s.wantOffset(target, half)
				case "PATCH":
					s.request(204, "PATCH", target, string(content[half:size]), patch(half)...)
					if got := contentOf(t, s.root, "/f"); got != string(content[:size]) {
						t.Errorf("the file has %d bytes", len(got))
					}
				case "DELETE":
					s.request(204, "DELETE", target, "", tus()...)
					wantNoRemains(t, s.root, "/")
				}
				for rec := range s.reported {
					if rec.Op == "PATCH" && rec.Err != nil {
						if rec.Outcome.String() != "cut" || rec.Kept != int64(half) || rec.Sent != int64(half) {
							t.Errorf("the stale request is recorded as %+v", rec)
						}
						break
					}
				}
			})
		}
	}
}

func TestAnUploadByTheDraft(t *testing.T) {
	draft := func(more ...string) []string { return append([]string{"Upload-Draft-Interop-Version", "6"}, more...) }
	for _, tt := range []struct{ method, target string }{{"POST", "/d/"}, {"PUT", "/d/f"}} {
		t.Run(tt.method, func(t *testing.T) {
			s := serveResumable(t, &httpd.Handler{MaxUpload: 1000}, map[string]string{"d/x": "x"})
			var early http.Header
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
				if code == 104 {
					early = http.Header(header)
				}
				return nil
			}})
			r, err := http.NewRequestWithContext(ctx, tt.method, s.url+tt.target, strings.NewReader("123"))
			if err != nil {
				t.Fatal(err)
			}
			for i, fields := 0, draft("Upload-Complete", "?0", "Content-Disposition", `attachment; filename="f"`); i < len(fields); i += 2 {
				r.Header.Set(fields[i], fields[i+1])
			}
			resp, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if h := resp.Header; resp.StatusCode != 201 || h.Get("Upload-Offset") != "3" || h.Get("Upload-Complete") != "?0" || !strings.HasPrefix(h.Get("Upload-Limit"), "max-size=1000, expires=") {
				t.Errorf("%s, the header is %v", resp.Status, h)
			}
			if early.Get("Location") != resp.Header.Get("Location") || early.Get("Upload-Draft-Interop-Version") != "6" {
				t.Errorf("the response 104 has %v", early)
			}
			target := s.address("/d/", resp)
			resp = s.request(204, "HEAD", target, "", draft()...)
			if h := resp.Header; h.Get("Upload-Offset") != "3" || h.Get("Upload-Complete") != "?0" || h.Get("Upload-Length") != "" {
				t.Errorf("the header is %v", h)
			}
			part := func(more ...string) []string {
				return draft(append([]string{"Content-Type", "application/partial-upload"}, more...)...)
			}
			s.request(400, "PATCH", target, "x", part("Upload-Offset", "3")...)
			s.request(400, "PATCH", target, "x", part("Upload-Offset", "3", "Upload-Complete", "1")...)
			s.request(415, "PATCH", target, "x", draft("Upload-Offset", "3", "Upload-Complete", "?1")...)
			if resp = s.request(409, "PATCH", target, "x", part("Upload-Offset", "2", "Upload-Complete", "?1")...); resp.Header.Get("Upload-Offset") != "3" {
				t.Errorf("the header is %v", resp.Header)
			}
			s.request(400, "HEAD", target, "", "Upload-Draft-Interop-Version", "5")
			s.request(204, "PATCH", target, "45", part("Upload-Offset", "3", "Upload-Complete", "?0")...)
			if resp = s.request(201, "PATCH", target, "6", part("Upload-Offset", "5", "Upload-Complete", "?1")...); resp.Header.Get("Upload-Complete") != "?1" {
				t.Errorf("the header is %v", resp.Header)
			}
			if got := contentOf(t, s.root, "/d/f"); got != "123456" {
				t.Errorf("the file is %q", got)
			}
			resp = s.request(204, "HEAD", target, "", draft()...)
			if h := resp.Header; h.Get("Upload-Offset") != "6" || h.Get("Upload-Complete") != "?1" || h.Get("Upload-Length") != "6" {
				t.Errorf("the header is %v", h)
			}
			s.request(204, tt.method, tt.target, "whole", draft("Upload-Complete", "?1", "Content-Disposition", `attachment; filename="f"`)...)
			if got := contentOf(t, s.root, "/d/f"); got != "whole" {
				t.Errorf("the file is %q", got)
			}
			s.request(400, tt.method, tt.target, "x", draft("Upload-Complete", "?1", "Upload-Length", "2", "Content-Disposition", `attachment; filename="f"`)...)
		})
	}
}

func TestTusWorksInAnotherServer(t *testing.T) {
	needsRemoval(t)
	root, dir := writable(t, nil)
	h := &httpd.Handler{FS: root, Write: writing}
	srv := httptest.NewServer(http.StripPrefix("/files", h))
	defer srv.Close()
	reported := make(chan httpd.Transfer, 10)
	h.OnTransfer = func(rec httpd.Transfer) { reported <- rec }
	s := &resumes{t, root, dir, srv.URL + "/files", reported, srv.Client()}
	target := s.begin("/", "f", 6)
	s.request(204, "PATCH", target, "123", patch(0)...)
	s.wantOffset(target, 3)
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = fmt.Fprintf(c, "PATCH /files%s HTTP/1.1\r\nHost: test\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 3\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 3\r\n\r\n4", target)
	s.awaitBytes(4)
	s.request(204, "PATCH", target, "56", patch(4)...)
	if got := contentOf(t, s.root, "/f"); got != "123456" {
		t.Errorf("the file is %q", got)
	}
}

func TestTusWorksBehindMiddlewareInEachServer(t *testing.T) {
	needsRemoval(t)
	for _, where := range []string{"http.Server", "httpd.Server", "TLS", "HTTP/2"} {
		t.Run(where, func(t *testing.T) {
			root, dir := writable(t, nil)
			h := &httpd.Handler{FS: root, Write: writing}
			t.Cleanup(func() { _ = h.Close() })
			base, client := serveAt(t, where, recovering(h))
			s := &resumes{t, root, dir, base, nil, client}
			target := s.begin("/", "f", 600_000)
			body, rest := io.Pipe()
			stale := make(chan error, 1)
			go func() { // a request whose client is silent
				r, err := http.NewRequestWithContext(t.Context(), "PATCH", base+target, body)
				if err != nil {
					stale <- err
					return
				}
				for i, fields := 0, patch(0); i < len(fields); i += 2 {
					r.Header.Set(fields[i], fields[i+1])
				}
				resp, err := client.Do(r)
				if err == nil {
					_ = resp.Body.Close()
				}
				stale <- nil
			}()
			if _, err := rest.Write(make([]byte, 200_000)); err != nil {
				t.Fatal(err)
			}
			s.awaitBytes(200_000)
			s.wantOffset(target, 200_000)
			_ = rest.Close()
			if err := <-stale; err != nil {
				t.Error(err)
			}
			s.request(204, "PATCH", target, strings.Repeat("x", 400_000), patch(200_000)...)
			if info, err := root.Stat("/f"); err != nil || info.Size() != 600_000 {
				t.Errorf("%v, %v", info, err)
			}
		})
	}
}

func TestTwoUploadsToOneNameDoNotMix(t *testing.T) {
	s := serveResumable(t, &httpd.Handler{User: "alice"}, nil)
	one, two := s.begin("/", "f", 4), s.begin("/", "f", 4, "If-None-Match", "*")
	s.request(204, "PATCH", one, "11", patch(0)...)
	s.request(204, "PATCH", two, "22", patch(0)...)
	s.request(204, "PATCH", one, "11", patch(2)...)
	s.request(412, "PATCH", two, "22", patch(2)...)
	if got := contentOf(t, s.root, "/f"); got != "1111" {
		t.Errorf("the file is %q", got)
	}
	s.request(204, "DELETE", two, "", tus()...)
}

// After a full disk the client goes on from what has found room.
func TestAnUploadGoesOnAfterAFullDisk(t *testing.T) {
	calls := &fault{only: "Write", err: syscall.ENOSPC}
	memory := afero.NewMemMapFs()
	h := &httpd.Handler{FS: &breakable{memory, calls}, Write: writing}
	url, reported := serveFS(t, h, nil)
	s := &resumes{t, nil, "", url, reported, http.DefaultClient}
	const size = 400_000
	content, err := io.ReadAll(nettest.Pattern(size))
	if err != nil {
		t.Fatal(err)
	}
	target := s.begin("/", "f", size)
	calls.mu.Lock()
	calls.left = 2
	calls.mu.Unlock()
	resp := s.request(507, "PATCH", target, string(content), patch(0)...)
	offset, err := strconv.Atoi(resp.Header.Get("Upload-Offset"))
	if err != nil || offset == 0 || offset >= size {
		t.Fatalf("Upload-Offset %d, %v", offset, err)
	}
	s.wantOffset(target, offset)
	s.request(204, "PATCH", target, string(content[offset:]), patch(offset)...)
	if got := contentOf(t, memory, "/f"); got != string(content) {
		t.Errorf("the file has %d bytes", len(got))
	}
}

// Each call of the file system fails in its turn. The client goes on from the offset that
// HEAD says, and in the end the file is whole.
func TestAClientOfTusSurvivesEveryFailedCall(t *testing.T) {
	for _, call := range []string{"Open", "OpenFile", "Stat", "Rename", "Remove", "Write", "Sync", "Close"} {
		for n := 1; ; n++ {
			calls := &fault{only: call, err: syscall.EIO}
			memory := afero.NewMemMapFs()
			h := &httpd.Handler{FS: &breakable{memory, calls}, Write: writing}
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/f", nil)) // looks at the root once
			calls.left = n
			if err := uploadByTus(h, "0123456789"); err != nil {
				t.Errorf("%s %d fails: %v", call, n, err)
			}
			if got := contentOf(t, memory, "/f"); got != "0123456789" {
				t.Errorf("%s %d fails: the file is %q", call, n, got)
			}
			_ = h.Close()
			if !calls.failed {
				break
			}
		}
	}
}

// uploadByTus uploads /f in pieces, as a client that does not give up.
func uploadByTus(h http.Handler, content string) error {
	request := func(method, target, body string, header ...string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		h.ServeHTTP(w, r)
		return w
	}
	target := ""
	for range 20 {
		if target == "" {
			w := request("POST", "/", "", tus("Upload-Length", strconv.Itoa(len(content)), "Upload-Metadata", metadata("f"))...)
			if w.Code == 201 {
				target = strings.TrimPrefix(w.Header().Get("Location"), ".")
			}
			continue
		}
		w := request("HEAD", target, "", tus()...)
		if w.Code == 404 {
			target = ""
		}
		if w.Code != 200 {
			continue
		}
		offset, err := strconv.Atoi(w.Header().Get("Upload-Offset"))
		if err != nil {
			return err
		}
		if offset == len(content) {
			return nil
		}
		request("PATCH", target, content[offset:min(offset+4, len(content))], patch(offset)...)
	}
	return errors.New("the upload does not end")
}

func TestAPageOfAnOriginOfCORSMayUploadAsAGuest(t *testing.T) {
	for _, tt := range []struct {
		name, origin string
		cors         []string
		methods      string
		status       int
	}{
		{"by name", "https://app.example", []string{"https://app.example"}, "GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE", 201},
		{"every origin may only read", "https://app.example", []string{"*"}, "GET, HEAD, OPTIONS", 403},
		{"another one", "https://evil.example", []string{"https://app.example"}, "", 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serveResumable(t, &httpd.Handler{CORS: tt.cors}, nil)
			resp := s.request(204, "OPTIONS", "/", "", "Origin", tt.origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "tus-resumable")
			if got := resp.Header.Get("Access-Control-Allow-Methods"); got != tt.methods {
				t.Errorf("the methods are %q, want %q", got, tt.methods)
			}
			allowed := strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "Tus-Resumable")
			if allowed != (tt.status == 201) || resp.Header.Get("Access-Control-Allow-Credentials") != "" || strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
				t.Errorf("the header is %v", resp.Header)
			}
			for _, field := range []string{"Tus-Version", "Tus-Extension", "Tus-Checksum-Algorithm"} {
				if resp.Header.Get(field) == "" {
					t.Errorf("OPTIONS has no %s", field)
				}
			}
			resp = s.request(tt.status, "POST", "/", "", tus("Upload-Length", "1", "Upload-Metadata", metadata("f"), "Origin", tt.origin, "Sec-Fetch-Site", "cross-site")...)
			if exposed := strings.Contains(resp.Header.Get("Access-Control-Expose-Headers"), "Upload-Offset"); exposed != allowed {
				t.Errorf("the header is %v", resp.Header)
			}
			s.request(403, "POST", "/", "", tus("Upload-Length", "1", "Upload-Metadata", metadata("f"), "Origin", tt.origin, "Sec-Fetch-Site", "cross-site", "Cookie", "a=b")...)
		})
	}
}

func FuzzFieldsOfResumableUploads(f *testing.F) {
	f.Add("filename Zg==", "?1", "sha1 AAAA", "12")
	f.Add("a,b c", "?0;x", "", "-1")
	f.Fuzz(func(t *testing.T, metadata, complete, sum, length string) {
		if values, err := httpd.ParseMetadata(metadata); err == nil {
			for key := range values {
				if key == "" || strings.ContainsAny(key, " ,") {
					t.Errorf("%q has the key %q", metadata, key)
				}
			}
		}
		if yes, err := httpd.ParseBoolean([]string{complete}); err == nil && !strings.Contains(complete, map[bool]string{true: "?1", false: "?0"}[yes]) {
			t.Errorf("%q is %v", complete, yes)
		}
		if n, err := httpd.ParseNumber(length); err == nil && (n < 0 || strings.Trim(length, "0123456789") != "") {
			t.Errorf("%q is %d", length, n)
		}
		_ = httpd.ParseTusChecksum(sum)
		if name, err := httpd.BaseName(metadata); err == nil && (strings.ContainsAny(name, "/\\\x00\n") || name == ".." || name == "") {
			t.Errorf("accepted the name %q", name)
		}
	})
}
