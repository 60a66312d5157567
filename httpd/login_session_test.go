package httpd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// browserFields are those of a browser's navigation.
func browserFields() http.Header {
	return http.Header{
		"Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"same-origin"},
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64)"},
	}
}

// sessionSite is a site of serveUsers with sessions.
type sessionSite struct {
	*site
	mu  sync.Mutex // guards the field below
	now accounts   // the accounts of the present

	log lockedBuffer
}

type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var errElsewhere = errors.New("not from this network")

func serveSessions(t *testing.T, change func(*httpd.Server)) *sessionSite {
	t.Helper()
	s := new(sessionSite)
	s.site = serveUsers(t, nil, func(srv *httpd.Server) {
		root := handler(srv).FS.(*httpd.Root)
		top, err := httpd.Dir(filepath.Dir(root.Dir()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = top.Close() })
		s.now = accounts{
			"alice": {FS: top, Home: "/alice", Rights: readOnly, PasswordID: httpd.PasswordID{1}},
			"bob":   {FS: top, Home: "/bob", Rights: readOnly, PasswordID: httpd.PasswordID{2}},
		}
		srv.Login = func(ctx context.Context, c httpd.Client, user, password string) (*httpd.Account, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.now.logIn(ctx, c, user, password)
		}
		srv.AccountOf = func(ctx context.Context, c httpd.Client, user string) (*httpd.Account, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			acc, ok := s.now[user]
			switch {
			case !ok:
				return nil, httpd.ErrLogin
			case acc.MaxRate == -1:
				return nil, errElsewhere
			}
			return &acc, nil
		}
		srv.Sessions = new(httpd.Sessions)
		srv.Logger = slog.New(slog.NewTextHandler(&s.log, nil))
		if change != nil {
			change(srv)
		}
	})
	return s
}

// setAccount changes an account of the present.
func (s *sessionSite) setAccount(name string, change func(*httpd.Account)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	acc := s.now[name]
	change(&acc)
	s.now[name] = acc
}

// post sends a form as a browser does.
func (s *sessionSite) post(t *testing.T, target, form string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+target, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = browserFields()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		r.Header[name] = values
	}
	return nettest.Exchange(t, http.DefaultTransport.RoundTrip, r)
}

func formOf(user, password string) string {
	return url.Values{"username": {user}, "password": {password}}.Encode()
}

// logIn logs a user in by the page, and returns the cookie as a field.
func (s *sessionSite) logIn(t *testing.T, user string) http.Header {
	t.Helper()
	resp, body := s.post(t, "/?login", formOf(user, "secret of "+user), nil)
	if rec := s.report(t); resp.StatusCode != 303 || len(resp.Cookies()) != 1 || rec.User != user || rec.Op != "POST" {
		t.Fatalf("%s, %v, %q, recorded %+v", resp.Status, resp.Header, body, rec)
	}
	c := resp.Cookies()[0]
	return http.Header{"Cookie": {"other=1; " + c.Name + "=" + c.Value + "; more=2"}}
}

// wantFile checks whose file a client gets, and that the record says so.
func (s *sessionSite) wantFile(t *testing.T, header http.Header, whose string) {
	t.Helper()
	resp, body := s.do(t, "GET", "/f.txt", header)
	user := whose
	if whose == "pub" {
		user = ""
	}
	if rec := s.report(t); body != "of "+whose || rec.User != user {
		t.Errorf("%s, %q, recorded the user %q, want the file of %s", resp.Status, body, rec.User, whose)
	}
	if private := strings.HasPrefix(resp.Header.Get("Cache-Control"), "private"); private != (whose != "pub") || !strings.Contains(resp.Header.Get("Vary"), "Cookie") {
		t.Errorf("Cache-Control %q, Vary %q", resp.Header.Get("Cache-Control"), resp.Header.Get("Vary"))
	}
}

func TestABrowserLogsInAndOut(t *testing.T) {
	s := serveSessions(t, nil)
	alice, bob := s.logIn(t, "alice"), s.logIn(t, "bob")
	s.wantFile(t, alice, "alice")
	s.wantFile(t, bob, "bob")
	s.wantFile(t, nil, "pub")
	s.wantFile(t, http.Header{"Cookie": {"sluice-session=rubbish"}}, "pub")
	s.wantFile(t, http.Header{"Cookie": alice["Cookie"], "Authorization": basic("bob", "secret of bob")["Authorization"]}, "bob")
	for name, page := range map[string]struct {
		header        http.Header
		with, without string
	}{
		"a guest":          {nil, ">Log in</button>", "Log out"},
		"a user":           {alice, "<div>alice <form method=\"post\" action=\"?logout\"><button>Log out</button></form></div>", "Log in"},
		"a user by Basic":  {basic("alice", "secret of alice"), "<div>alice</div>", "<button>Log"},
		"another user":     {bob, "<div>bob <form", "alice"},
		"a script's guest": {http.Header{"Accept": {"*/*"}}, "f.txt", "Log in"},
	} {
		header := browserFields()
		for key, values := range page.header {
			header[key] = values
		}
		_, body := s.do(t, "GET", "/", header)
		s.report(t)
		if !strings.Contains(body, page.with) || strings.Contains(body, page.without) {
			t.Errorf("%s: the page has no %q, or has %q:\n%s", name, page.with, page.without, body)
		}
	}
	resp, body := s.do(t, "GET", "/?logout", alice)
	if s.report(t); resp.StatusCode != 200 || !strings.Contains(body, "You are logged in as alice.") || !strings.Contains(body, `<form method="post" action="?logout">`) {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	s.wantFile(t, alice, "alice") // a link has not logged out
	resp, _ = s.post(t, "/?logout", "", alice)
	if c := resp.Cookies(); resp.StatusCode != 303 || resp.Header.Get("Location") != "./" || len(c) != 1 || c[0].MaxAge >= 0 || c[0].Value != "" {
		t.Errorf("%s, %v", resp.Status, resp.Header)
	}
	if rec := s.report(t); rec.User != "alice" {
		t.Errorf("recorded %+v", rec)
	}
	s.wantFile(t, alice, "pub")
	s.wantFile(t, bob, "bob")
	if resp, _ := s.post(t, "/?logout", "", alice); resp.StatusCode != 303 {
		t.Errorf("a second logout: %s", resp.Status)
	}
	s.report(t)
	for _, line := range []string{`msg="http session began" remote=127.0.0.1:`, `msg="http session ended" remote=127.0.0.1:`, `because="logged out"`} {
		if !strings.Contains(s.log.String(), line) {
			t.Errorf("no %s in the log\n%s", line, s.log.String())
		}
	}
}

func TestTheCookieIsProtected(t *testing.T) {
	s := serveSessions(t, nil)
	for _, tt := range []struct {
		name   string
		header http.Header
		want   string // of the line, after the value
	}{
		{"without TLS", nil, "sluice-session; Path=/; HttpOnly; SameSite=Lax"},
		{"behind a proxy that ends TLS", http.Header{"Origin": {"https://example.com"}}, "__Host-sluice-session; Path=/; HttpOnly; Secure; SameSite=Lax"},
	} {
		resp, _ := s.post(t, "/?login", formOf("alice", "secret of alice"), tt.header)
		s.report(t)
		name, rest, _ := strings.Cut(resp.Header.Get("Set-Cookie"), "=")
		value, rest, _ := strings.Cut(rest, ";")
		if got := name + ";" + rest; got != tt.want || len(value) < 22 {
			t.Errorf("%s: got %q with %d characters, want %q", tt.name, got, len(value), tt.want)
		}
		if resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control: %q", tt.name, resp.Header.Get("Cache-Control"))
		}
	}
}

// The page leads back to the path and the query of the request, and never to another host.
func TestALoginLeadsBackAndToNoOtherHost(t *testing.T) {
	s := serveSessions(t, nil)
	for _, tt := range []struct{ target, want string }{
		{"/?login", "./"},
		{"/dir/?login", "./"},
		{"/dir/f%20x?login", "./f%20x"},
		{"/f:x?login&download", "./f:x?download"},
		{"/?sort=size&login=&order=desc", "./?sort=size&order=desc"},
		{"/?%6Cogin&zip", "./?zip"},
		{"//evil.example/?login", "./"},
		{"//evil.example?login", "./evil.example"},
		{"/%2F%2Fevil.example?login", "./%2F%2Fevil.example"},
		{"/%5Cevil.example?login", "./%5Cevil.example"},
		{"/%5C%5Cevil.example/?login", "./"},
		{"/https:%2F%2Fevil.example?login", "./https:%2F%2Fevil.example"},
		{"/?login&next=//evil.example", "./?next=//evil.example"},
		{"/%0d%0aLocation:%20x?login", "./%0D%0ALocation:%20x"},
	} {
		resp, _ := s.post(t, tt.target, formOf("alice", "secret of alice"), nil)
		s.report(t)
		got := resp.Header.Get("Location")
		if resp.StatusCode != 303 || got != tt.want {
			t.Errorf("%s: %s to %q, want %q", tt.target, resp.Status, got, tt.want)
		}
		base, _ := url.Parse("http://host.example" + tt.target)
		if to, err := base.Parse(got); err != nil || to.Host != "host.example" {
			t.Errorf("%s: leads to %v, %v", tt.target, to, err)
		}
	}
}

func TestOnlyANavigationGetsTheLoginPage(t *testing.T) {
	s := serveSessions(t, func(srv *httpd.Server) { handler(srv).FS = nil })
	old := http.Header{"Accept": {"text/html"}, "User-Agent": {"Mozilla/5.0"}}
	for _, tt := range []struct {
		name   string
		header http.Header
		isPage bool
	}{
		{"a navigation", browserFields(), true},
		{"an older browser, or one without TLS", old, true},
		{"fetch in a page", http.Header{"Accept": {"text/html"}, "User-Agent": {"Mozilla/5.0"}, "Sec-Fetch-Mode": {"cors"}}, false},
		{"an image in a page", http.Header{"Accept": {"image/*"}, "User-Agent": {"Mozilla/5.0"}, "Sec-Fetch-Mode": {"no-cors"}}, false},
		{"curl", http.Header{"Accept": {"*/*"}, "User-Agent": {"curl/8"}}, false},
		{"wget2", http.Header{"Accept": {"text/html,*/*;q=0.8"}, "User-Agent": {"wget2/2.1"}}, false},
		{"nothing", http.Header{"User-Agent": {""}}, false},
	} {
		for _, target := range []string{"/", "/dir/f.txt?a=%22%3E&download", "/x/?login"} {
			resp, body := s.do(t, "GET", target, tt.header)
			s.report(t)
			isPage := strings.Contains(body, `autocomplete="current-password"`) && strings.Contains(body, `autocomplete="username"`) &&
				strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
			if resp.StatusCode != 401 || isPage != tt.isPage || (resp.Header.Get("WWW-Authenticate") == "") != tt.isPage || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %s: %s, %v\n%s", tt.name, target, resp.Status, resp.Header, body)
			}
			if isPage && strings.Contains(target, "download") && !strings.Contains(body, `action="?login&amp;a=%22%3E&amp;download"`) {
				t.Errorf("the form leads elsewhere:\n%s", body)
			}
		}
	}
}

func TestTheLoginPageSaysWhatIsWrong(t *testing.T) {
	s := serveSessions(t, func(srv *httpd.Server) {
		srv.Throttle = &httpd.Throttle{FirstDelay: time.Millisecond}
		before := srv.Login
		srv.Login = func(ctx context.Context, c httpd.Client, user, password string) (*httpd.Account, error) {
			if user == "later" {
				return nil, httpd.ErrUnavailable
			}
			if user == "program" {
				return &httpd.Account{}, nil // AccountOf does not know it
			}
			return before(ctx, c, user, password)
		}
	})
	s.setAccount("elsewhere", func(acc *httpd.Account) { acc.MaxRate = -1 })
	const evil = "https://evil.example"
	for _, tt := range []struct {
		name, form string
		header     http.Header
		status     int
		says       string
	}{
		{"a wrong password", formOf("alice", "wrong"), nil, 401, "The name or the password is wrong."},
		{"an unknown name", formOf("<b>", "wrong"), nil, 401, "The name or the password is wrong."},
		{"no password", "username=alice", nil, 400, "malformed"},
		{"two names", formOf("alice", "x") + "&username=bob", nil, 400, "malformed"},
		{"a control character", formOf("alice\n", "x"), nil, 400, "malformed"},
		{"no UTF-8", "username=%ff&password=x", nil, 400, "malformed"},
		{"a bad escape", "username=%zz&password=x", nil, 400, "malformed"},
		{"a long form", formOf("alice", strings.Repeat("x", 70_000)), nil, 400, "malformed"},
		{"another type", formOf("alice", "secret of alice"), http.Header{"Content-Type": {"text/plain"}}, 400, "malformed"},
		{"no check now", formOf("later", "x"), nil, 503, "not possible now"},
		{"a user without an account of sessions", formOf("program", "x"), nil, 403, "Basic"},
		{"a user at another network", formOf("elsewhere", "secret of elsewhere"), nil, 403, "Basic"},
		{"a page of another origin", formOf("alice", "secret of alice"), http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "another origin"},
		{"a page of another origin in an older browser", formOf("alice", "secret of alice"), http.Header{"Sec-Fetch-Site": nil, "Origin": {evil}}, 403, "another origin"},
	} {
		resp, body := s.post(t, "/?login", tt.form, tt.header)
		rec := s.report(t)
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.says) || strings.Contains(body, "<b>") || resp.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %s, %v\n%s", tt.name, resp.Status, resp.Header, body)
		}
		if len(resp.Cookies()) > 0 || rec.User != "" {
			t.Errorf("%s: %v, recorded %+v", tt.name, resp.Cookies(), rec)
		}
	}
	alice := s.logIn(t, "alice")
	resp, _ := s.post(t, "/?logout", "", http.Header{"Cookie": alice["Cookie"], "Sec-Fetch-Site": {"same-site"}})
	s.report(t)
	if resp.StatusCode != 403 {
		t.Errorf("a page of another origin logs out: %s", resp.Status)
	}
	s.wantFile(t, alice, "alice")
}

func TestASessionEndsWithItsPassword(t *testing.T) {
	s := serveSessions(t, nil)
	alice, bob := s.logIn(t, "alice"), s.logIn(t, "bob")
	s.setAccount("alice", func(acc *httpd.Account) { acc.Home = "/bob" })
	resp, body := s.do(t, "GET", "/f.txt", alice)
	if s.report(t); body != "of bob" {
		t.Errorf("with the home of now: %s, %q", resp.Status, body)
	}
	s.setAccount("alice", func(acc *httpd.Account) { acc.Home, acc.PasswordID[0] = "/alice", 9 })
	s.wantFile(t, alice, "pub")
	s.setAccount("alice", func(acc *httpd.Account) { acc.PasswordID[0] = 1 })
	s.wantFile(t, alice, "pub") // it has ended for good

	s.setAccount("bob", func(acc *httpd.Account) { acc.MaxRate = -1 })
	s.wantFile(t, bob, "pub") // at another network
	s.setAccount("bob", func(acc *httpd.Account) { acc.MaxRate = 0 })
	s.wantFile(t, bob, "bob")
	s.mu.Lock()
	delete(s.now, "bob")
	s.mu.Unlock()
	s.wantFile(t, bob, "pub")
	if got := strings.Count(s.log.String(), "the user or the password is another"); got != 2 {
		t.Errorf("%d ends in the log\n%s", got, s.log.String())
	}
}

// A second login by the same browser ends its first session, and has another token.
func TestALoginEndsTheSessionBefore(t *testing.T) {
	s := serveSessions(t, nil)
	first := s.logIn(t, "alice")
	resp, _ := s.post(t, "/?login", formOf("bob", "secret of bob"), first)
	s.report(t)
	if len(resp.Cookies()) != 1 || strings.Contains(first.Get("Cookie"), resp.Cookies()[0].Value) {
		t.Errorf("got %v", resp.Header)
	}
	s.wantFile(t, first, "pub")
}

// By the page a password is checked as rarely as by Basic, and a ban holds for both.
func TestTheLoginPageKeepsToTheThrottle(t *testing.T) {
	s := serveSessions(t, func(srv *httpd.Server) {
		srv.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		srv.Throttle = &httpd.Throttle{FirstDelay: time.Millisecond}
	})
	client := http.Header{"X-Forwarded-For": {"192.0.2.7"}}
	status := 0
	for range 20 {
		resp, _ := s.post(t, "/?login", formOf("alice", "wrong "+strings.Repeat("x", status)), client)
		s.report(t)
		if resp.StatusCode != 401 {
			t.Fatalf("%d failures: %s", status, resp.Status)
		}
		status++
	}
	resp, body := s.post(t, "/?login", formOf("alice", "wrong"), client)
	s.report(t)
	if resp.StatusCode != 429 || !strings.Contains(body, "Too many failed logins") || resp.Header.Get("Retry-After") == "" || len(resp.Cookies()) > 0 {
		t.Errorf("%s, %v\n%s", resp.Status, resp.Header, body)
	}
	resp, _ = s.post(t, "/?login", formOf("alice", "secret of alice"), client)
	s.report(t)
	if resp.StatusCode != 303 || len(resp.Cookies()) == 0 {
		t.Errorf("the right password in a ban: %s", resp.Status)
	}
}

// Cookies of other programs do not take guests from the fast path, and sessions get files
// by sendfile.
func TestCookiesAndTheMethod(t *testing.T) {
	s := serveSessions(t, nil)
	large := strings.Repeat("x", 1<<20)
	s.write(t, "pub/large", large)
	s.write(t, "alice/large", large)
	alice := s.logIn(t, "alice")
	for name, header := range map[string]http.Header{
		"a guest": nil, "a guest with cookies": {"Cookie": {"a=b; consent=1"}}, "a user": alice, "a guest with rubbish": {"Cookie": {"sluice-session=x"}},
	} {
		resp, body := s.do(t, "GET", "/large", header)
		rec := s.report(t)
		if body != large || rec.Method != fastMethod {
			t.Errorf("%s: %s by %v", name, resp.Status, rec.Method)
		}
	}
}

// A client that is not on this host gets no form without TLS, and a cookie lets nobody in.
func TestNoSessionInClear(t *testing.T) {
	s := serveSessions(t, func(srv *httpd.Server) { srv.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	alice := s.logIn(t, "alice")
	request := func(line string, header http.Header, body string) (*http.Response, string) {
		t.Helper()
		c := s.dial(t)
		fmt.Fprintf(c, "PROXY TCP4 203.0.113.5 127.0.0.1 1000 80\r\n%s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n", line, len(body))
		_ = header.Write(c)
		_, _ = io.WriteString(c, "\r\n"+body)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(content)
	}
	browser := browserFields()
	browser.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, line := range []string{"GET /?login", "POST /?login"} {
		resp, page := request(line, browser, formOf("alice", "secret of alice"))
		if resp.StatusCode != 403 || !strings.Contains(page, "over https only") || strings.Contains(page, "<form") || len(resp.Cookies()) > 0 {
			t.Errorf("%s: %s, %v\n%s", line, resp.Status, resp.Header, page)
		}
	}
	if resp, body := request("GET /f.txt", alice, ""); body != "of pub" {
		t.Errorf("with a cookie: %s, %q", resp.Status, body)
	}
}

// By TLS only the cookie counts that browsers protect.
func TestByTLSOnlyTheProtectedCookieCounts(t *testing.T) {
	other := httptest.NewTLSServer(nil)
	defer other.Close()
	s := serveSessions(t, func(srv *httpd.Server) { srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates} })
	clear := s.logIn(t, "alice")
	addr, _ := s.serveTLS(t)
	transport := other.Client().Transport
	do := func(method, target, cookie, body string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "https://"+addr+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", cookie)
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		content, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		s.report(t)
		return resp, string(content)
	}
	resp, _ := do("POST", "/?login", "", formOf("bob", "secret of bob"))
	if len(resp.Cookies()) != 1 || resp.Cookies()[0].Name != "__Host-sluice-session" || !resp.Cookies()[0].Secure {
		t.Fatalf("got %v", resp.Header)
	}
	bob := "__Host-sluice-session=" + resp.Cookies()[0].Value
	for cookie, want := range map[string]string{clear.Get("Cookie"): "of pub", bob: "of bob", clear.Get("Cookie") + "; " + bob: "of bob"} {
		if _, body := do("GET", "/f.txt", cookie, ""); body != want {
			t.Errorf("with %s: %q, want %q", cookie, body, want)
		}
	}
}

// The zero value of a Server has no sessions, and sessions need both functions.
func TestSessionsNeedAccounts(t *testing.T) {
	ln := listenLocal(t)
	srv := &httpd.Server{Sessions: new(httpd.Sessions), Login: accounts(nil).logIn}
	defer srv.Close()
	if err := srv.Serve(ln); err == nil || !strings.Contains(err.Error(), "AccountOf") {
		t.Errorf("Serve = %v", err)
	}
	s := serveUsers(t, nil, nil)
	resp, _ := s.do(t, "GET", "/?login", browserFields())
	if s.report(t); resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("a browser without a login page: %s, %v", resp.Status, resp.Header)
	}
}
