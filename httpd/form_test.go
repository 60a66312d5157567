package httpd_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// formFile is a file of a form, or a field if it has no name.
type formFile struct {
	name, content string
	header        []string
}

// filesForm returns a form and its Content-Type.
func filesForm(t *testing.T, files ...formFile) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range files {
		header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename="%s"`, f.name)}}
		if f.name == "-" {
			header.Set("Content-Disposition", `form-data; name="existing"`)
		}
		for i := 0; i < len(f.header); i += 2 {
			header.Set(f.header[i], f.header[i+1])
		}
		part, err := w.CreatePart(header)
		if err == nil {
			_, err = io.WriteString(part, f.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestFormsOfFiles(t *testing.T) {
	large := strings.Repeat("x", 1001)
	for _, tt := range []struct {
		name   string
		rights httpd.Rights
		target string
		files  []formFile
		header []string
		status int
		lines  []string          // a part of each line of the response
		want   map[string]string // files afterwards; "-": there is none
	}{
		{"two files", writing, "/d/", []formFile{{"a", "of a", nil}, {"b ü.txt", "of b", nil}}, nil, 200,
			[]string{`201 Created: "a"`, `201 Created: "b ü.txt"`}, map[string]string{"/d/a": "of a", "/d/b ü.txt": "of b"}},
		{"an empty file", writing, "/", []formFile{{"a", "", nil}}, nil, 200, []string{"201"}, map[string]string{"/a": ""}},
		{"one of a name that exists", writing, "/", []formFile{{"f", "new", nil}}, nil, 200, []string{"204"}, map[string]string{"/f": "new"}},
		{"one that exists, which is to be kept", writing, "/", []formFile{{"-", "keep", nil}, {"f", "new", nil}, {"n", "new", nil}}, nil, 412,
			[]string{`412 Precondition Failed: "f": There is a file of this name. It was kept.`, `201 Created: "n"`}, map[string]string{"/f": "old", "/n": "new"}},
		{"one that exists, without the right change", httpd.Create, "/", []formFile{{"f", "new", nil}, {"n", "new", nil}}, nil, 403,
			[]string{`403 Forbidden: "f": This needs the right "change"`, `201 Created: "n"`}, map[string]string{"/f": "old", "/n": "new"}},
		{"a field of another value", writing, "/", []formFile{{"-", "maybe", nil}, {"f", "new", nil}}, nil, 400, []string{`"keep" or "replace"`}, map[string]string{"/f": "old"}},
		{"no file was chosen", writing, "/", []formFile{{"", "", nil}}, nil, 400, []string{"no file"}, nil},
		{"a name in another directory", writing, "/d/", []formFile{{"../f", "new", nil}, {"n", "new", nil}}, nil, 400,
			[]string{`400 Bad Request: "../f": The name of the file must have no directory`, "201"}, map[string]string{"/f": "old", "/d/n": "new"}},
		{"a name of Windows", writing, "/", []formFile{{`C:\\f`, "new", nil}}, nil, 400, []string{"no directory"}, map[string]string{"/f": "old"}},
		{"a hidden name", writing, "/", []formFile{{".f", "new", nil}}, nil, 403, []string{"served here"}, map[string]string{"/.f": "-"}},
		{"the name of a directory", writing, "/", []formFile{{"d", "new", nil}}, nil, 409, []string{"directory"}, nil},
		{"one file that is too large", writing, "/", []formFile{{"a", large, nil}, {"b", "of b", nil}}, nil, 413,
			[]string{"larger than the 1000 bytes", "201"}, map[string]string{"/a": "-", "/b": "of b"}},
		{"right and wrong checksums", writing, "/", []formFile{
			{"a", "new", []string{"Content-Digest", sha256Field("new")}}, {"f", "new", []string{"Content-Digest", sha256Field("other")}},
		}, nil, 400, []string{"201", "checksum"}, map[string]string{"/a": "new", "/f": "old"}},
		{"a checksum of the form", writing, "/", []formFile{{"a", "new", nil}}, []string{"Content-Digest", sha256Field("x")}, 400, []string{"header of each file"}, map[string]string{"/a": "-"}},
		{"the same name twice", httpd.Create, "/", []formFile{{"a", "1", nil}, {"a", "2", nil}}, nil, 403, []string{"201", "403"}, map[string]string{"/a": "1"}},
		{"to a file", writing, "/f", []formFile{{"a", "new", nil}}, nil, 405, []string{"directory"}, nil},
		{"to no directory", writing, "/no/", []formFile{{"a", "new", nil}}, nil, 404, []string{"nothing here"}, nil},
		{"to a hidden directory", writing, "/.git/", []formFile{{"a", "new", nil}}, nil, 403, []string{"served here"}, nil},
		{"without a right", httpd.Delete, "/", []formFile{{"a", "new", nil}}, nil, 405, []string{`"create" or "change"`}, map[string]string{"/a": "-"}},
		{"by a page of another origin", writing, "/", []formFile{{"a", "new", nil}}, []string{"Origin", "https://evil.example"}, 403, []string{"another origin"}, map[string]string{"/a": "-"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serveResumable(t, &httpd.Handler{Write: tt.rights, MaxUpload: 1000, User: "alice"}, map[string]string{"f": "old", "d/x": "x"})
			body, contentType := filesForm(t, tt.files...)
			resp, text := send(t, s.client, "POST", s.url+tt.target, strings.NewReader(body), append(tt.header, "Content-Type", contentType)...)
			lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			if resp.StatusCode != tt.status || len(lines) != len(tt.lines) {
				t.Fatalf("%s, want %d with %d lines:\n%s", resp.Status, tt.status, len(tt.lines), text)
			}
			for i, want := range tt.lines {
				if !strings.Contains(lines[i], want) {
					t.Errorf("line %q, want %q", lines[i], want)
				}
			}
			for name, want := range tt.want {
				if got := contentOf(t, s.root, name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			wantNoRemains(t, s.root, "/")
			wantNoRemains(t, s.root, "/d")
		})
	}
}

func TestEachFileOfAFormIsReported(t *testing.T) {
	s := serveResumable(t, &httpd.Handler{User: "alice"}, nil)
	body, contentType := filesForm(t, formFile{"a", "of a", nil}, formFile{".b", "hidden", nil})
	_, _ = send(t, s.client, "POST", s.url+"/", strings.NewReader(body), "Content-Type", contentType)
	for _, want := range []struct {
		path   string
		status int
		sent   int64
		upload bool
	}{{"/a", 201, 4, true}, {"/.b", 403, 0, true}} {
		rec := <-s.reported
		if rec.Op != "POST" || rec.Path != want.path || rec.Status != want.status || rec.Sent != want.sent || rec.Upload != want.upload || rec.User != "alice" {
			t.Errorf("recorded %+v, want %+v", rec, want)
		}
	}
	if rec := <-s.reported; rec.Path != "/" || rec.Status != 403 || rec.Upload {
		t.Errorf("recorded %+v, want the request", rec)
	}
}

func TestTheResponseToAFormFitsTheClient(t *testing.T) {
	s := serveResumable(t, &httpd.Handler{Write: httpd.Create}, map[string]string{"<f>": "old"})
	s.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	body, contentType := filesForm(t, formFile{"a", "new", nil})
	resp := s.request(303, "POST", "/?sort=name", body, "Content-Type", contentType, "Accept", browser)
	if got := resp.Header.Get("Location"); got != "./" {
		t.Errorf("Location %q", got)
	}
	body, contentType = filesForm(t, formFile{"b", "new", nil}, formFile{"<f>", "new", nil})
	resp, text := send(t, s.client, "POST", s.url+"/", strings.NewReader(body), "Content-Type", contentType, "Accept", browser)
	if resp.StatusCode != 403 || !strings.Contains(text, "<b>&lt;f&gt;</b>: This needs the right &#34;change&#34;") || !strings.Contains(text, "saved:\n<ul>\n<li><b>b</b>\n</ul>") ||
		!strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s, %v:\n%s", resp.Status, resp.Header, text)
	}
	body, contentType = filesForm(t, formFile{"c", "new", nil}, formFile{"<f>", "new", nil})
	resp, text = send(t, s.client, "POST", s.url+"/", strings.NewReader(body), "Content-Type", contentType, "Accept", "application/json")
	var got []struct {
		Name, Detail string
		Status       int
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || resp.StatusCode != 403 || len(got) != 2 || got[0].Name != "c" || got[0].Status != 201 || got[1].Name != "<f>" || got[1].Status != 403 || got[1].Detail == "" {
		t.Errorf("%s %q, %v", resp.Status, text, err)
	}
}

func TestAListingHasAFormForThoseWhoMayUpload(t *testing.T) {
	for _, tt := range []struct {
		rights    httpd.Rights
		form, box bool
	}{{0, false, false}, {httpd.Delete, false, false}, {httpd.Create, true, false}, {httpd.Create | httpd.Change, true, true}, {httpd.Change, false, false}} {
		root, _ := writable(t, map[string]string{"f": "x"})
		url, _ := serveFS(t, &httpd.Handler{FS: root, Write: tt.rights}, nil)
		resp, text := get(t, http.DefaultClient, url+"/", "Accept", "text/html")
		if got := strings.Contains(text, `enctype="multipart/form-data"`); got != tt.form {
			t.Errorf("rights %b: a form is there: %v", tt.rights, got)
		}
		if got := strings.Contains(text, `name="existing"`); got != tt.box {
			t.Errorf("rights %b: a box is there: %v", tt.rights, got)
		}
		if got := resp.Header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self'") || strings.Contains(got, "script") {
			t.Errorf("the policy is %q", got)
		}
	}
}

// A broken form leaves no part of a file.
func TestBrokenFormsSaveNothingOfAFile(t *testing.T) {
	const head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
	for _, tt := range []struct {
		name, body, contentType string
		status                  int
	}{
		{"the body ends in a file", head + "abc", "multipart/form-data; boundary=b", 400},
		{"the body ends in a boundary", head + "abc\r\n--", "multipart/form-data; boundary=b", 400},
		{"the body ends in a header", "--b\r\nContent-Disp", "multipart/form-data; boundary=b", 400},
		{"there is no boundary", "abc", "multipart/form-data; boundary=b", 400},
		{"an empty body", "", "multipart/form-data; boundary=b", 400},
		{"a long header", "--b\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\nabc\r\n--b--\r\n", "multipart/form-data; boundary=b", 400},
		{"much before the first boundary", strings.Repeat("x\r\n", 30<<10) + head + "abc\r\n--b--\r\n", "multipart/form-data; boundary=b", 400},
		{"a part without a disposition", "--b\r\nX: y\r\n\r\nabc\r\n--b--\r\n", "multipart/form-data; boundary=b", 400},
		{"a type without a boundary", head + "abc\r\n--b--\r\n", "multipart/form-data", 415},
		{"another type", "a=b", "application/x-www-form-urlencoded", 415},
		{"too many parts", strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n", 1001) + "--b--\r\n", "multipart/form-data; boundary=b", 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serveResumable(t, &httpd.Handler{User: "alice"}, nil)
			s.request(tt.status, "POST", "/", tt.body, "Content-Type", tt.contentType)
			if got := contentOf(t, s.root, "/a"); got != "-" {
				t.Errorf("the file is %q", got)
			}
			wantNoRemains(t, s.root, "/")
		})
	}
}

func TestAFormWhoseClientLeavesSavesWholeFilesOnly(t *testing.T) {
	s := serveResumable(t, &httpd.Handler{User: "alice"}, nil)
	body, contentType := filesForm(t, formFile{"a", "of a", nil}, formFile{"b", strings.Repeat("of b", 100_000), nil})
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: test\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", contentType, len(body), body[:300_000])
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	for _, want := range []string{"/a 201", "/b 400", "/ 400"} {
		if rec := <-s.reported; fmt.Sprint(rec.Path, " ", rec.Status) != want || (rec.Err != nil) != (rec.Status == 400) {
			t.Errorf("recorded %s %d %v, want %s", rec.Path, rec.Status, rec.Err, want)
		}
	}
	if a, b := contentOf(t, s.root, "/a"), contentOf(t, s.root, "/b"); a != "of a" || b != "-" {
		t.Errorf("the files are %.10q, %.10q", a, b)
	}
	wantNoRemains(t, s.root, "/")
}

// The bytes of a file are on the disk before the rest of the form has come.
func TestAFormIsNotCollectedBeforeItIsStored(t *testing.T) {
	s := serveResumable(t, &httpd.Handler{}, nil)
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"big\"\r\n\r\n")
		_, _ = io.Copy(w, nettest.Pattern(4<<20))
		s.awaitPart(3 << 20)
		_, _ = io.WriteString(w, "\r\n--b--\r\n")
		_ = w.Close()
	}()
	resp, text := send(t, s.client, "POST", s.url+"/", r, "Content-Type", "multipart/form-data; boundary=b")
	info, err := os.Stat(filepath.Join(s.dir, "big"))
	if err != nil || info.Size() != 4<<20 || resp.StatusCode != 200 {
		t.Errorf("%s %q, %v", resp.Status, text, err)
	}
}

func TestAFormIsStoredBehindMiddlewareInEachServer(t *testing.T) {
	needsRemoval(t)
	for _, where := range []string{"http.Server", "httpd.Server", "TLS", "HTTP/2"} {
		t.Run(where, func(t *testing.T) {
			root, _ := writable(t, nil)
			h := &httpd.Handler{FS: root, Write: writing}
			t.Cleanup(func() { _ = h.Close() })
			base, client := serveAt(t, where, recovering(h))
			body, contentType := filesForm(t, formFile{"a", strings.Repeat("of a", 100_000), nil}, formFile{".b", strings.Repeat("b", 1<<20), nil}, formFile{"c", "of c", nil})
			resp, text := send(t, client, "POST", base+"/", strings.NewReader(body), "Content-Type", contentType)
			if resp.StatusCode != 403 || strings.Count(text, "201 Created") != 2 {
				t.Errorf("%s %q", resp.Status, text)
			}
			if a, c := contentOf(t, root, "/a"), contentOf(t, root, "/c"); len(a) != 400_000 || c != "of c" {
				t.Errorf("the files are %.10q, %q", a, c)
			}
		})
	}
}

func TestAStalledFormOrPatchEndsWith408(t *testing.T) {
	needsRemoval(t)
	root, dir := writable(t, nil)
	url, reported := serveFS(t, &httpd.Handler{FS: root, Write: writing}, func(srv *httpd.Server) { srv.StallTimeout = 50 * time.Millisecond })
	s := &resumes{t, root, dir, url, reported, http.DefaultClient}
	target := s.begin("/", "f", 100)
	form := "POST / HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\n"
	file := "Content-Disposition: form-data; name=file; filename=a\r\n\r\nabc"
	for name, head := range map[string]string{
		"between files": form,
		"in a file":     form + file,
		"in PATCH": "PATCH " + target + " HTTP/1.1\r\nHost: test\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n" +
			"Content-Type: application/offset+octet-stream\r\nContent-Length: 100\r\n\r\nabc",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, head)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 408 {
			t.Errorf("%s: %v, %v, want 408", name, resp, err)
		}
		_ = c.Close()
	}
	s.wantOffset(target, 3)
	if got := contentOf(t, root, "/a"); got != "-" {
		t.Errorf("the file is %q", got)
	}
}

func FuzzForm(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc\r\n--b--\r\n"))
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../a\"\r\n\r\nabc\r\n--b\r\nContent-Disposition: form-data; name=existing\r\n\r\nkeep\r\n--b--"))
	if nettest.OnWine() {
		f.Skip("see needsRemoval")
	}
	dir := f.TempDir()
	root, err := httpd.Dir(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = root.Close() })
	h := &httpd.Handler{FS: root.Writable(), Write: writing, MaxUpload: 1000, Durability: httpd.DurabilityNone}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if w.Code == 200 && len(entries) == 0 {
			t.Errorf("%d with %d files", w.Code, len(entries))
		}
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), ".") || entry.IsDir() {
				t.Errorf("%q was made", entry.Name())
			}
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	})
}
