package httpd_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/httpd"
)

// originTest is a server whose guests and whose user alice may change everything.
type originTest struct {
	*site
	dir string // of the files of guests
}

func serveOrigins(t *testing.T, cors []string) *originTest {
	t.Helper()
	s := new(originTest)
	const all = readOnly | httpd.Create | httpd.Change | httpd.Delete | httpd.Rename
	s.site = serveSessions(t, func(srv *httpd.Server) {
		root := handler(srv).FS.(*httpd.Root)
		s.dir, srv.OnTransfer = root.Dir(), nil
		srv.Handler = &httpd.Handler{FS: root.Writable(), Write: all &^ readOnly, CORS: cors, WebDAV: true, Durability: httpd.DurabilityNone}
	}).site
	return s
}

// state describes the files that the requests are about.
func (s *originTest) state(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(filepath.Join(s.dir, "f.txt"))
	return fmt.Sprint(entries, string(content))
}

// The rule is the same for every method: a page of another origin may send only requests that
// change nothing, and one of an origin that CORS names also those of guests, without a cookie
// and a password. Nobody logs in or out from there.
func TestWhatPagesOfOtherOriginsMayDo(t *testing.T) {
	const named, unnamed = "https://named.example", "https://other.example"
	requests := strings.Fields("GET/f.txt HEAD/f.txt OPTIONS/f.txt PUT/f.txt POST/ PATCH/f.txt DELETE/f.txt MKCOL/new MOVE/f.txt COPY/f.txt PROPFIND/ PROPPATCH/f.txt LOCK/f.txt UNLOCK/f.txt TRACE/f.txt REPORT/f.txt POST/?login POST/?logout")
	logins, fetches := []string{"", "Basic", "session", "cookie"}, []string{"", "none", "same-origin", "same-site", "cross-site"}
	if testing.Short() { // under wine, where a request takes milliseconds and means the same
		logins, fetches = logins[1:3], fetches[3:]
	}
	for name, cors := range map[string][]string{"an origin": {named}, "all": {"*"}, "all and an origin": {"*", named}, "null": {"null"}, "none": nil} {
		t.Run("CORS has "+name, func(t *testing.T) {
			s := serveOrigins(t, cors)
			for _, request := range requests {
				cookie := s.logInOnce(t)
				method, target, _ := strings.Cut(request, "/")
				for _, origin := range []string{"", s.url, named, unnamed, "null", "*"} {
					for _, login := range logins {
						for _, fetch := range fetches {
							s.checkOrigin(t, method, "/"+target, origin, login, cookie, fetch, slices.Contains(cors, origin) && origin == named)
						}
					}
				}
			}
		})
	}
}

// logInOnce returns the cookie of a new session.
func (s *originTest) logInOnce(t *testing.T) string {
	t.Helper()
	resp, _ := send(t, noRedirects, "POST", s.url+"/?login", strings.NewReader("username=alice&password=secret+of+alice"), "Content-Type", "application/x-www-form-urlencoded")
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if cookie == "" {
		t.Fatalf("no session: %s", resp.Status)
	}
	return cookie
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (s *originTest) checkOrigin(t *testing.T, method, target, origin, login, cookie, fetch string, isNamed bool) {
	t.Helper()
	s.write(t, "f.txt", "old")
	header := []string{"Destination", s.url + "/moved", "Accept", "application/json"}
	add := func(name, value string) {
		if value != "" {
			header = append(header, name, value)
		}
	}
	add("Origin", origin)
	add("Sec-Fetch-Site", fetch)
	switch login {
	case "Basic":
		add("Authorization", "Basic YWxpY2U6c2VjcmV0IG9mIGFsaWNl")
	case "session":
		add("Cookie", cookie)
	case "cookie":
		add("Cookie", "other=1")
	}

	isSafe := slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method)
	isOther := fetch == "same-site" || fetch == "cross-site" || fetch == "" && origin != "" && origin != s.url
	isGuest := isNamed && login == "" && !strings.HasPrefix(target, "/?")
	want := isOther && !isSafe && !isGuest

	before := s.state(t)
	resp, text := send(t, noRedirects, method, s.url+target, strings.NewReader("new"), header...)
	got := resp.StatusCode == http.StatusForbidden && strings.Contains(text, "another origin")
	if got != want {
		t.Errorf("%s %s, Origin %q, Sec-Fetch-Site %q, login %q: %s %q, want that it is refused: %v", method, target, origin, fetch, login, resp.Status, text, want)
	}
	if after := s.state(t); want && after != before {
		t.Errorf("%s %s, Origin %q, Sec-Fetch-Site %q, login %q: %s, but %s has become %s", method, target, origin, fetch, login, resp.Status, before, after)
	}
	if resp.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%s %s: a page may read what a user gets", method, target)
	}
	_ = os.Remove(filepath.Join(s.dir, "moved"))
	_ = os.Remove(filepath.Join(s.dir, "new"))
}

// A preflight lists the methods of guests to pages of an origin that CORS names, and to
// others those that change nothing.
func TestPreflightListsWhatThePageMayDo(t *testing.T) {
	root, _ := writable(t, map[string]string{"f": "x"})
	const safe = "GET, HEAD, OPTIONS"
	for _, tt := range []struct {
		cors   string
		rights httpd.Rights
		origin string
		want   string
	}{
		{"https://a.example", httpd.Create, "https://a.example", safe + ", PUT, POST, PATCH"},
		{"https://a.example", httpd.Delete, "https://a.example", safe + ", DELETE"},
		{"https://a.example", 0, "https://a.example", safe},
		{"https://a.example", writing, "https://b.example", ""},
		{"*", writing, "https://a.example", safe},
		{"*", writing, "*", safe},
		{"null", writing, "null", safe},
	} {
		h := &httpd.Handler{FS: root, Write: tt.rights, CORS: []string{tt.cors}}
		url, _ := serveFS(t, h, nil)
		resp, _ := send(t, http.DefaultClient, "OPTIONS", url+"/f", nil, "Origin", tt.origin, "Access-Control-Request-Method", "PUT")
		if got := resp.Header.Get("Access-Control-Allow-Methods"); got != tt.want {
			t.Errorf("CORS %s, rights %b, to a page of %s: %q, want %q", tt.cors, tt.rights, tt.origin, got, tt.want)
		}
	}
}

// Browsers send a password that they know for an image in a page of another origin.
func TestOtherOriginsShowNothingOfAUser(t *testing.T) {
	s := serveUsers(t, nil, nil)
	for _, target := range []string{"/f.txt", "/", "/none"} {
		for user, want := range map[string]string{"": "", "alice": "same-origin"} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+target, nil)
			if err != nil {
				t.Fatal(err)
			}
			if user != "" {
				r.SetBasicAuth(user, "secret of "+user)
			}
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := resp.Header.Get("Cross-Origin-Resource-Policy"); got != want {
				t.Errorf("%s for %q: got %q, want %q", target, user, got, want)
			}
		}
	}
}
