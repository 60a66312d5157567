package daemon

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"sluice/internal/config"
	"sluice/internal/nettest"
	"sluice/internal/nettest/s3store"
	"sluice/s3fs"
)

// newBucketTest returns a daemon that serves the bucket of a store, with these tables of users.
func newBucketTest(t *testing.T, store *s3store.Store, tables string) *loginTest {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
	conf := confWith(t, tables, func(c *config.Config) {
		c.Root = "s3://" + s3store.Bucket
		c.S3 = config.StoreOptions{Endpoint: store.URL, Region: "us-east-1"}
	})
	return newLoginTest(t, conf)
}

// exchange sends a request as a guest.
func (d *loginTest) exchange(t *testing.T, method, target string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.http+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return nettest.Exchange(t, http.DefaultTransport.RoundTrip, r)
}

func TestABucketIsServedByHTTP(t *testing.T) {
	d := newBucketTest(t, s3store.New(t, "readme.txt", "dir/a.txt", "dir/sub/b"), "")
	const date = "Sun, 01 Nov 2026 12:00:00 GMT"
	for _, tt := range []struct {
		name, target string
		header       []string
		status       int
		body         string // "": not compared
		tag, date    string // "": not compared
	}{
		{"a file", "/readme.txt", nil, 200, "readme.txt", `"a"`, date},
		{"one that the client has", "/readme.txt", []string{"If-None-Match", `"a"`}, 304, "", `"a"`, ""},
		{"another version", "/readme.txt", []string{"If-None-Match", `"b"`}, 200, "readme.txt", `"a"`, ""},
		{"a part", "/dir/a.txt", []string{"Range", "bytes=4-6"}, 206, "a.t", `"9"`, ""},
		{"a part of the version that the client has", "/dir/a.txt", []string{"Range", "bytes=4-", "If-Range", `"9"`}, 206, "a.txt", "", ""},
		{"a part of another version", "/dir/a.txt", []string{"Range", "bytes=4-", "If-Range", `"8"`}, 200, "dir/a.txt", "", ""},
		{"a listing", "/dir/", []string{"Accept", "application/json"}, 200, "", "", ""},
		{"a directory without a slash", "/dir", nil, 301, "", "", ""},
		{"no file", "/none", nil, 404, "", "", ""},
	} {
		resp, body := d.exchange(t, "GET", tt.target, tt.header...)
		if resp.StatusCode != tt.status || tt.body != "" && body != tt.body {
			t.Errorf("%s: got %d %q, want %d %q", tt.name, resp.StatusCode, body, tt.status, tt.body)
		}
		if got := resp.Header.Get("Etag"); tt.tag != "" && got != tt.tag {
			t.Errorf("%s: got the tag %s, want that of the store, %s", tt.name, got, tt.tag)
		}
		if got := resp.Header.Get("Last-Modified"); tt.date != "" && got != tt.date {
			t.Errorf("%s: got the date %s, want that of the store, %s", tt.name, got, tt.date)
		}
	}
	for format, want := range map[string]string{"text/html": ">sub/</a><td><td>\n", "text/plain": `<a href="sub/">sub/</a>` + strings.Repeat(" ", 47) + "-"} {
		if _, listing := d.exchange(t, "GET", "/dir/", "Accept", format); !strings.Contains(listing, want) {
			t.Errorf("the listing as %s has no directory without a date:\n%s", format, listing)
		}
	}
	_, listing := d.exchange(t, "GET", "/dir/", "Accept", "application/json")
	for _, entry := range []string{`"name":"a.txt","type":"file","size":9,"modified":"2026-11-01T12:00:00Z"`, `"name":"sub","type":"directory"`} {
		if !strings.Contains(listing, entry) {
			t.Errorf("the listing lacks %s:\n%s", entry, listing)
		}
	}
}

func TestABucketIsServedByFTP(t *testing.T) {
	d := newBucketTest(t, s3store.New(t, "readme.txt", "alice/a.txt", "alice/sub/b"), tableOf("alice", `home = "/alice"`))
	if got, ok := d.retrieve(t, "alice", "RETR a.txt"); got != "alice/a.txt" || !ok {
		t.Errorf("RETR: got %q, %v", got, ok)
	}
	if got, ok := d.retrieve(t, "alice", "MLSD"); !ok || !strings.Contains(got, "size=11;modify=20261101120000;") || !strings.Contains(got, "type=dir;perm=") {
		t.Errorf("MLSD: got %q, %v", got, ok)
	}
	if got, ok := d.retrieve(t, "alice", "LIST"); !ok || strings.Count(got, "\n") != 2 || !strings.Contains(got, " 11 Nov") || !strings.Contains(got, " sub\r\n") {
		t.Errorf("LIST: got %q, %v", got, ok)
	}
	c := d.logInFTP(t, "alice")
	c.cmd(t, 200, "TYPE I")
	for command, want := range map[string]string{"SIZE a.txt": "11", "MDTM a.txt": "20261101120000"} {
		if got := c.cmd(t, 213, command); got != want {
			t.Errorf("%s: got %s, want %s", command, got, want)
		}
	}
	c.cmd(t, 550, "SIZE readme.txt") // which is not in the home
}

// A request that is answered with a whole file is one request to the store. Others ask first, and get no more than they need.
func TestAFileTakesOneRequestToTheStore(t *testing.T) {
	store := s3store.New(t, "photo.png", "notes.txt", "page", "dir/index.html", "alice/a.txt")
	long := make([]byte, 3<<20)
	nettest.PatternAt(long, 0)
	store.Put("long.bin", long)
	store.Put("empty.txt", nil)
	d := newBucketTest(t, store, tableOf("alice", `home = "/alice"`))
	d.exchange(t, "GET", "/photo.png") // the first request finds out how the bucket names its root
	store.Forget()
	for _, tt := range []struct {
		method, target string
		header         []string
		want           []string
	}{
		{"GET", "/photo.png", nil, []string{"GET photo.png bytes=0-1048575"}},
		{"GET", "/notes.txt", nil, []string{"GET notes.txt bytes=0-1048575"}}, // the first bytes are read twice, for the charset
		{"GET", "/page", nil, []string{"GET page bytes=0-1048575"}},           // for the type
		{"GET", "/long.bin", nil, []string{"GET long.bin bytes=0-1048575", "GET long.bin bytes=1048576-3145727"}},
		{"GET", "/empty.txt", nil, []string{"GET empty.txt bytes=0-1048575", "HEAD empty.txt"}},
		{"GET", "/none.png", nil, []string{"GET none.png bytes=0-1048575", "GET "}},
		{"GET", "/dir", nil, []string{"GET dir bytes=0-1048575", "GET "}},
		{"HEAD", "/photo.png", nil, []string{"HEAD photo.png"}},
		{"GET", "/photo.png", []string{"If-None-Match", `"9"`}, []string{"HEAD photo.png"}},
		{"GET", "/photo.png", []string{"Range", "bytes=2-4"}, []string{"HEAD photo.png", "GET photo.png bytes=2-8"}},
	} {
		resp, body := d.exchange(t, tt.method, tt.target, tt.header...)
		if name := strings.TrimPrefix(tt.target, "/"); resp.StatusCode == 200 && tt.method == "GET" && name != "long.bin" && name != "empty.txt" && body != name {
			t.Errorf("%s: got %q", tt.target, body)
		}
		if tt.target == "/long.bin" && sha256.Sum256([]byte(body)) != nettest.PatternSum(0, int64(len(long))) {
			t.Error("long.bin: other bytes")
		}
		if diff := cmp.Diff(tt.want, store.Forget()); diff != "" {
			t.Errorf("%s %s %q: requests (-want +got)\n%s", tt.method, tt.target, tt.header, diff)
		}
	}
	store.Forget()
	if got, ok := d.retrieve(t, "alice", "RETR a.txt"); got != "alice/a.txt" || !ok {
		t.Errorf("RETR: got %q, %v", got, ok)
	}
	ofFile := slices.DeleteFunc(store.Forget(), func(r string) bool { return !strings.Contains(r, "a.txt") }) // others find the home
	if diff := cmp.Diff([]string{"GET alice/a.txt bytes=0-1048575"}, ofFile); diff != "" {
		t.Errorf("RETR: requests (-want +got)\n%s", diff)
	}
}

func TestAChecksumReadsAnObjectOnce(t *testing.T) {
	store := s3store.New(t, "f")
	store.Put("f", make([]byte, 600<<10))
	d := newBucketTest(t, store, tableOf("alice"))
	c := d.logInFTP(t, "alice")
	c.cmd(t, 200, "TYPE I")
	store.Forget()
	c.cmd(t, 250, "XMD5 f")
	gets := 0
	for _, request := range store.Forget() {
		if strings.HasPrefix(request, "GET f ") {
			gets++
		}
	}
	if gets != 1 {
		t.Errorf("the object was read by %d requests, want 1", gets)
	}
}

func TestWhoHasNoRightToWriteDoesNotChangeABucket(t *testing.T) {
	store := s3store.New(t, "f")
	d := newBucketTest(t, store, tableOf("bob", `rights = ["read", "list"]`)+tableOf("alice", `rights = ["all"]`))
	store.Forget()
	for _, method := range []string{"PUT", "DELETE", "MKCOL"} {
		if status := d.request(t, "bob", method, "/f", "new"); status < 400 || status >= 500 {
			t.Errorf("%s: got %d, want a refusal", method, status)
		}
	}
	for _, command := range []string{"DELE f", "MKD d", "RNFR f", "RMD d"} {
		if d.command(t, "bob", command, "") {
			t.Errorf("%s is not refused", command)
		}
	}
	if d.command(t, "bob", "STOR g", "new") {
		t.Error("STOR is not refused")
	}
	for _, tree := range []afero.Fs{d.root.tree(), d.withTree(d.guest()).FS} { // whatever the rights
		if err := afero.WriteFile(tree, "/g", []byte("new"), 0o644); err == nil {
			t.Error("the tree to read from can be written to")
		}
	}
	for _, request := range store.Forget() {
		if method, _, _ := strings.Cut(request, " "); method != "GET" && method != "HEAD" {
			t.Errorf("the store was asked for %s", request)
		}
	}
}

func TestWhoHasTheRightChangesABucket(t *testing.T) {
	store := s3store.New(t, "f", "g")
	d := newBucketTest(t, store, tableOf("alice", `rights = ["all"]`))
	for _, tt := range []struct{ method, target, content string }{{"PUT", "/f", "new"}, {"PUT", "/h", "new"}, {"DELETE", "/g", ""}} {
		if status := d.request(t, "alice", tt.method, tt.target, tt.content); status < 200 || status >= 300 {
			t.Errorf("%s %s: got %d", tt.method, tt.target, status)
		}
	}
	d.logInFTP(t, "alice").cmd(t, 257, "MKD d")
	if !d.command(t, "alice", "STOR i", "new") || !d.command(t, "alice", "DELE h", "") {
		t.Error("a command is refused")
	}
	if got := strings.Join(store.Keys(), " "); got != "d/ f i" {
		t.Errorf("the bucket has %s", got)
	}
}

// Clients learn that the store has failed, and no more. The operator learns why.
func TestFailuresOfTheStoreAreNamed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		code   string
		http   int
		retry  string // Retry-After
		ftp    int
		text   string
	}{
		{"it is broken", 500, "InternalError", 502, "", 451, "object store failed"},
		{"it cuts connections", 0, "", 502, "", 451, "object store failed"},
		{"it has too much to do", 503, "SlowDown", 503, "1", 450, "object store is busy"},
		{"the key is no longer valid", 403, "InvalidAccessKeyId", 502, "", 451, "object store failed"},
		{"the file may not be read", 403, "AccessDenied", 403, "", 550, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := s3store.New(t, "f")
			conf := confWith(t, tableOf("alice"), func(c *config.Config) {
				c.Root = "s3://" + s3store.Bucket
				c.S3 = config.StoreOptions{Endpoint: store.URL, Region: "us-east-1", Anonymous: true}
			})
			d := newLoginTest(t, conf)
			c := d.logInFTP(t, "alice")
			c.cmd(t, 200, "TYPE I")
			store.SetFault(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				if tt.status == 0 {
					panic(http.ErrAbortHandler)
				}
				s3store.Refuse(w, tt.status, tt.code)
				return true
			})
			resp, body := d.exchange(t, "GET", "/f", "Accept", "text/plain")
			if resp.StatusCode != tt.http || resp.Header.Get("Retry-After") != tt.retry || !strings.Contains(body, tt.text) {
				t.Errorf("got %d %q, Retry-After %q, want %d %q, %q", resp.StatusCode, body, resp.Header.Get("Retry-After"), tt.http, tt.text, tt.retry)
			}
			reply := c.cmd(t, tt.ftp, "SIZE f")
			if !strings.Contains(reply, tt.text) {
				t.Errorf("SIZE: got %q, want %q", reply, tt.text)
			}
			for _, command := range []string{"CWD d", "MDTM f", "XMD5 f"} {
				_ = c.PrintfLine("%s", command)
				code, message, err := c.ReadCodeLine(0)
				reply += message
				if err != nil || code != tt.ftp {
					t.Errorf("%s: got %d %q, %v, want %d", command, code, message, err, tt.ftp)
				}
			}
			if peer, ok := c.begin(t, "RETR f"); ok {
				_ = peer.Close()
				t.Error("RETR begins")
			}
			host := strings.TrimPrefix(store.URL, "http://")
			for _, secret := range []string{host, tt.code, "/" + s3store.Bucket} {
				if secret != "" && strings.Contains(body+reply, secret) {
					t.Errorf("clients learn %q: %q, %q", secret, body, reply)
				}
			}
			if log := d.logText(); tt.text != "" && !strings.Contains(log, "a request to the object store failed") {
				t.Errorf("the log does not say why:\n%s", log)
			}
		})
	}
}

// A redirect that cannot be signed, as here without credentials, is logged, but not for each request.
func TestARedirectThatIsNotMadeIsLogged(t *testing.T) {
	for _, rights := range []string{`["list", "read"]`, `["list", "read", "create"]`} {
		t.Run("guests with the rights "+rights, func(t *testing.T) {
			store := s3store.New(t, "f")
			conf := confWith(t, "[user.anonymous]\nrights = "+rights+"\n", func(c *config.Config) {
				c.Root = "s3://" + s3store.Bucket
				c.S3 = config.StoreOptions{Endpoint: store.URL, Anonymous: true, Redirect: true, RedirectFor: time.Minute, RedirectFrom: 1}
			})
			d := newLoginTest(t, conf)
			for range 3 {
				if resp, body := d.exchange(t, "GET", "/f"); resp.StatusCode != http.StatusOK || body != "f" {
					t.Fatalf("got %s %q, want the file", resp.Status, body)
				}
			}
			const want = "clients are not redirected to the object store"
			if log := d.logText(); strings.Count(log, want) != 1 {
				t.Errorf("want %q once:\n%s", want, log)
			}
		})
	}
}

// A download that the store breaks off is no shorter file.
func TestADownloadThatTheStoreBreaksOffFails(t *testing.T) {
	store := s3store.New(t)
	store.Put("f", make([]byte, 4<<20))
	d := newBucketTest(t, store, tableOf("alice"))
	c := d.logInFTP(t, "alice")
	c.cmd(t, 200, "TYPE I")
	store.SetFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "bytes=0-1048575" { // which is the answer to opening the file
			return false
		}
		panic(http.ErrAbortHandler)
	})
	peer, ok := c.begin(t, "RETR f")
	if !ok {
		t.Fatal("RETR is refused")
	}
	_, _ = io.Copy(io.Discard, peer)
	if code, message, err := c.ReadResponse(0); err != nil || code != 451 || !strings.Contains(message, "The object store failed") || strings.Contains(message, "127.0.0.1") {
		t.Errorf("got %d %q, %v, want 451", code, message, err)
	}
	resp, err := http.Get("http://" + d.http + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("HTTP: got %d bytes of %d without an error", n, resp.ContentLength)
	}
	if log := d.logText(); strings.Count(log, "the object store failed: Get") != 2 {
		t.Errorf("the log does not say why:\n%s", log)
	}
}

// Each way to a client says that the store was slow.
func TestASlowStoreIsTheCause(t *testing.T) {
	const size = 300_000
	store := s3store.New(t)
	store.Put("f", make([]byte, size))
	d := newBucketTest(t, store, tableOf("alice"))
	store.SetFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "GET" || r.Header.Get("Range") == "" {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.Header().Set("Last-Modified", s3store.Modified.Format(http.TimeFormat))
		w.WriteHeader(http.StatusPartialContent)
		for range 30 {
			_, _ = w.Write(make([]byte, size/30))
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
		return true
	})
	c := d.logInFTP(t, "alice")
	c.cmd(t, 200, "TYPE I")
	for name, get := range map[string]func(){
		"FTP": func() {
			peer, ok := c.begin(t, "RETR f")
			if !ok {
				t.Fatal("RETR is refused")
			}
			_, _ = io.Copy(io.Discard, peer)
			c.expect(t, 226, "RETR f")
		},
		"the fast path":     func() { d.exchange(t, "GET", "/f?x=1", "Accept-Encoding", "identity") },
		"net/http":          func() { d.get(t, "alice", "/f") },
		"a part by HTTP":    func() { d.exchange(t, "GET", "/f", "Range", "bytes=0-") },
		"a client of HTTP1": func() { d.exchange(t, "GET", "/f") },
	} {
		before := strings.Count(d.logText(), "cause=store")
		get()
		for deadline := time.Now().Add(10 * time.Second); strings.Count(d.logText(), "cause=store") == before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the log has no cause store:\n%s", name, d.logText())
			}
		}
	}
}

func TestHealthIsThatOfTheStore(t *testing.T) {
	store := s3store.New(t, "f")
	d := newBucketTest(t, store, "")
	b := d.root.(*bucket)
	if why := b.ready(); why != "" {
		t.Errorf("got %q", why)
	}
	store.SetFault(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		s3store.Refuse(w, http.StatusForbidden, "InvalidAccessKeyId")
		return true
	})
	for range 100 {
		if why := b.ready(); why != "" {
			t.Fatalf("got %q, but the answer of a moment ago still holds", why)
		}
	}
	if n := len(store.Forget()); n > 0 {
		t.Errorf("the store was asked %d times more", n)
	}
	b.checked = b.checked.Add(-healthAge)
	if why := b.ready(); why != "the object store failed" {
		t.Errorf("got %q, want that the store failed", why)
	}
	store.SetFault(nil)
	b.checked = b.checked.Add(-healthAge)
	if why := b.ready(); why != "" {
		t.Errorf("got %q after the failure", why)
	}
	if log := d.logText(); !strings.Contains(log, "the object store cannot be used") || !strings.Contains(log, "can be used again") {
		t.Errorf("the log says nothing of it:\n%s", log)
	}
}

func TestRequestsToTheStoreAreCounted(t *testing.T) {
	for status, want := range map[int]string{404: "absent", 403: "refused", 412: "refused", 429: "busy", 503: "busy", 500: "failed", 502: "failed"} {
		if got := resultOf(s3fs.StatusError(status)); got != want {
			t.Errorf("%d: got %q, want %q", status, got, want)
		}
	}
	for err, want := range map[error]string{nil: "ok", context.Canceled: "cancelled", io.ErrUnexpectedEOF: "unanswered", context.DeadlineExceeded: "unanswered"} {
		if got := resultOf(err); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}

// Each mistake has a message of its own, which says what to do.
func TestABucketThatCannotBeOpenedIsExplained(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAKEY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
	answer := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { s3store.Refuse(w, status, code) }
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := httptest.NewServer(answer(200, ""))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(answer(200, ""))
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	dir := nettest.TempDir(t)
	for _, tt := range []struct {
		name     string
		answer   http.HandlerFunc
		endpoint string // if answer is nil
		change   func(*config.StoreOptions)
		want     string
	}{
		{"no bucket", answer(404, "NoSuchBucket"), "", nil, `there is no bucket "pub"`},
		{"a wrong key", answer(403, "InvalidAccessKeyId"), "", nil, "does not know the access key; the credentials are from the environment"},
		{"a wrong secret", answer(403, "SignatureDoesNotMatch"), "", nil, "the secret key is wrong, or --s3-region is"},
		{"a right that is missing", answer(403, "AccessDenied"), "", nil, "s3:ListBucket"},
		{"a bucket that is not public", answer(403, "AccessDenied"), "", func(o *config.StoreOptions) { o.Anonymous = true }, "leave --s3-anonymous out"},
		{"a wrong region", answer(400, "AuthorizationHeaderMalformed"), "", nil, "--s3-region"},
		{"a wrong clock", answer(403, "RequestTimeTooSkewed"), "", nil, "clocks"},
		{"another server", answer(404, "Not Found"), "", nil, "no store answers there"},
		{"nobody listens", nil, "http://" + closed.Addr().String(), nil, "nothing listens there"},
		{"an answer that is cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", nil, "http or https"},
		{"https for http", nil, strings.Replace(plain.URL, "http:", "https:", 1), nil, "the store speaks http there"},
		{"http for https", nil, strings.Replace(secure.URL, "https:", "http:", 1), nil, "the store speaks https there"},
		{"an unknown authority", nil, secure.URL, nil, "--s3-ca FILE"},
		{"an unknown host", nil, "http://nowhere.invalid", nil, "is not known"},
		{"no file of credentials", answer(200, ""), "", func(o *config.StoreOptions) { o.CredentialsFile = filepath.Join(dir, "none") }, "none: no such file"},
		{"no file of authorities", nil, secure.URL, func(o *config.StoreOptions) { o.CAFile = filepath.Join(dir, "none") }, "--s3-ca"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := config.StoreOptions{Endpoint: tt.endpoint, Region: "us-east-1"}
			if tt.answer != nil {
				server := httptest.NewServer(tt.answer)
				defer server.Close()
				o.Endpoint = server.URL
			}
			if tt.change != nil {
				tt.change(&o)
			}
			s, err := newObjectStore(o, slog.New(slog.DiscardHandler)).openBucket(t.Context(), config.Bucket{Name: "pub"}, new(config.Config))
			if err == nil {
				s.close()
				t.Fatal("it is open")
			}
			if text := err.Error(); !strings.Contains(text, tt.want) || strings.Contains(text, "topsecret") {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}
