package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// basic returns the header of a request with a password.
func basic(user, password string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}}
}

// accounts are users whose password is "secret of NAME".
type accounts map[string]httpd.Account

func (a accounts) logIn(_ context.Context, _ httpd.Client, user, password string) (*httpd.Account, error) {
	acc, ok := a[user]
	if !ok || password != "secret of "+user {
		return nil, httpd.ErrLogin
	}
	return &acc, nil
}

const readOnly = httpd.List | httpd.Read

// serveUsers serves a directory, of which guests may read /pub, and alice and bob
// their homes. change may set more fields.
func serveUsers(t *testing.T, users accounts, change func(*httpd.Server)) *site {
	t.Helper()
	t.Cleanup(httpd.DelayLogins(time.Millisecond))
	s := serve(t, func(srv *httpd.Server) {
		root := handler(srv).FS.(*httpd.Root)
		for _, dir := range []string{"pub", "alice", "bob", "alice/dir"} {
			if err := os.MkdirAll(filepath.Join(root.Dir(), dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		pub, err := root.Sub("/pub")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pub.Close() })
		srv.Handler = &httpd.Handler{FS: pub, Archives: true}
		all := accounts{"alice": {Home: "/alice", Rights: readOnly}, "bob": {Home: "/bob", Rights: readOnly}}
		for name, acc := range users {
			all[name] = acc
		}
		for name, acc := range all {
			if acc.FS == nil {
				acc.FS = root
			}
			all[name] = acc
		}
		srv.Login, srv.Throttle = all.logIn, &httpd.Throttle{FirstDelay: time.Millisecond}
		if change != nil {
			change(srv)
		}
	})
	for _, dir := range []string{"pub", "alice", "bob"} {
		s.write(t, dir+"/f.txt", "of "+dir)
	}
	s.write(t, "alice/.hidden", "hidden")
	return s
}

func TestUsersSeeTheirFiles(t *testing.T) {
	s := serveUsers(t, accounts{
		"carol": {Rights: httpd.Read}, "dave": {Rights: httpd.List}, "erin": {Home: "/alice", Rights: readOnly, HideDotFiles: true},
		"frank": {Home: "/gone", Rights: readOnly}, "grace": {Name: "Grace H.", Home: "/bob", Rights: readOnly},
	}, nil)
	for _, tt := range []struct {
		name, user, target string
		status             int
		body, recorded     string
	}{
		{"a guest", "", "/f.txt", 200, "of pub", ""},
		{"alice", "alice", "/f.txt", 200, "of alice", "alice"},
		{"bob", "bob", "/f.txt", 200, "of bob", "bob"},
		{"an account with a name of its own", "grace", "/f.txt", 200, "of bob", "Grace H."},
		{"another user's file", "alice", "/../bob/f.txt", 404, "", "alice"},
		{"a listing", "alice", "/", 200, "f.txt", "alice"},
		{"an archive", "alice", "/?tar", 200, "of alice", "alice"},
		{"a checksum", "alice", "/f.txt?sha256", 200, fmt.Sprintf("%x", sha256.Sum256([]byte("of alice"))), "alice"},
		{"a directory without its slash", "alice", "/dir", 301, "", "alice"},
		{"a hidden name", "alice", "/.hidden", 200, "hidden", "alice"},
		{"a hidden name of an account that hides them", "erin", "/.hidden", 404, "", "erin"},
		{"a file without the right to list", "carol", "/bob/f.txt", 200, "of bob", "carol"},
		{"a listing without the right to list", "carol", "/bob/", 404, "", "carol"},
		{"an archive without the right to list", "carol", "/bob/?zip", 404, "", "carol"},
		{"a file without the right to read", "dave", "/bob/f.txt", 403, "", "dave"},
		{"a checksum without the right to read", "dave", "/bob/f.txt?sha256", 403, "", "dave"},
		{"a listing without the right to read", "dave", "/bob/", 200, "f.txt", "dave"},
		{"a home that is missing", "frank", "/f.txt", 403, "home directory", "frank"},
		{"another method", "alice", "/f.txt", 200, "of alice", "alice"},
		{"a guest who wants to log in", "", "/?login", 401, "Log in", ""},
		{"a guest who wants to log in anywhere", "", "/missing/?login", 401, "", ""},
		{"a user who has logged in", "alice", "/dir/?login", 303, "", "alice"},
		{"login in the query of a file", "", "/f.txt?login", 200, "of pub", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var header http.Header
			if tt.user != "" {
				header = basic(tt.user, "secret of "+tt.user)
			}
			resp, body := s.do(t, "GET", tt.target, header)
			if resp.StatusCode != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("%s, %.300q, want %d with %q", resp.Status, body, tt.status, tt.body)
			}
			if rec := s.report(t); rec.User != tt.recorded || rec.Status != tt.status {
				t.Errorf("recorded %+v, want the user %q", rec, tt.recorded)
			}
			if tt.status == 303 && resp.Header.Get("Location") != "./" {
				t.Errorf("Location: %q", resp.Header.Get("Location"))
			}
			if got := resp.Header.Get("WWW-Authenticate") != ""; got != (tt.status == 401) {
				t.Errorf("a challenge: %v", got)
			}
			if private := strings.HasPrefix(resp.Header.Get("Cache-Control"), "private"); private != (tt.user != "" && tt.user != "frank") {
				t.Errorf("Cache-Control: %q", resp.Header.Get("Cache-Control"))
			}
			if vary := resp.Header.Get("Vary"); !strings.Contains(vary, "Authorization, Cookie") {
				t.Errorf("Vary: %q", vary)
			}
		})
	}
}

func TestWithoutGuestsEveryRequestNeedsALogin(t *testing.T) {
	s := serveUsers(t, nil, func(srv *httpd.Server) { handler(srv).FS = nil })
	for _, noFastPath := range []string{"", "X-Not-Simple"} {
		for _, target := range []string{"/", "/f.txt", "/missing", "/?tar", "/dir"} {
			header := http.Header{}
			if noFastPath != "" {
				header.Set("Expect", "100-continue")
			}
			resp, _ := s.do(t, "GET", target, header)
			if resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") != `Basic realm="Files", charset="UTF-8"` || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s, %v", target, resp.Status, resp.Header)
			}
		}
	}
	if resp, body := s.do(t, "GET", "/f.txt", basic("alice", "secret of alice")); body != "of alice" {
		t.Errorf("%s, %q", resp.Status, body)
	}
	if resp, _ := s.do(t, "GET", "/missing", basic("alice", "secret of alice")); resp.StatusCode != 404 {
		t.Errorf("%s, want 404", resp.Status)
	}
	if resp, _ := s.do(t, "OPTIONS", "/", nil); resp.StatusCode != 204 {
		t.Errorf("OPTIONS: %s", resp.Status)
	}
}

func TestBadLogins(t *testing.T) {
	s := serveUsers(t, nil, func(srv *httpd.Server) {
		before := srv.Login
		srv.Login = func(ctx context.Context, c httpd.Client, user, password string) (*httpd.Account, error) {
			switch user {
			case "later":
				return nil, fmt.Errorf("the directory of users is busy: %w", httpd.ErrUnavailable)
			case "broken":
				return nil, errors.New("the directory of users is broken")
			case "nothing":
				return nil, nil
			}
			return before(ctx, c, user, password)
		}
	})
	encode := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, tt := range []struct {
		name   string
		lines  []string
		status int
	}{
		{"a wrong password", []string{encode("alice:x")}, 401},
		{"an unknown name", []string{encode("nobody:secret of alice")}, 401},
		{"no name", []string{encode(":secret of alice")}, 401},
		{"no password", []string{encode("alice:")}, 401},
		{"a login that fails otherwise", []string{encode("broken:x")}, 401},
		{"a login without an account", []string{encode("nothing:x")}, 401},
		{"a login that cannot be checked", []string{encode("later:x")}, 503},
		{"another scheme", []string{"Bearer abc"}, 401},
		{"nothing", []string{""}, 400},
		{"two lines", []string{encode("alice:secret of alice"), encode("bob:x")}, 400},
		{"no base64", []string{"Basic ***"}, 400},
		{"base64 without padding", []string{"Basic YTpiYg"}, 400},
		{"no colon", []string{encode("alice")}, 400},
		{"other bytes than UTF-8", []string{encode("alice:\xff")}, 400},
		{"a control character", []string{encode("alice:a\nb")}, 400},
		{"no credentials", []string{"Basic"}, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := s.do(t, "GET", "/f.txt", http.Header{"Authorization": tt.lines})
			if resp.StatusCode != tt.status || strings.Contains(body, "of pub") || (resp.Header.Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("%s, %v, %q, want %d", resp.Status, resp.Header, body, tt.status)
			}
			if rec := s.report(t); rec.User != "" || rec.Status != tt.status {
				t.Errorf("recorded %+v: the name may be a password", rec)
			}
		})
	}
}

func FuzzBasicLogin(f *testing.F) {
	f.Add("Basic YWxpY2U6c2VjcmV0")
	f.Add("basic  YTpi ")
	f.Fuzz(func(t *testing.T, line string) {
		user, password, status := httpd.BasicLogin([]string{line})
		if status != 0 && status != 400 && status != 401 {
			t.Fatalf("%q: %d", line, status)
		}
		r := &http.Request{Header: http.Header{"Authorization": {line}}}
		if u, p, ok := r.BasicAuth(); status == 0 && ok && (u != user || p != password) {
			t.Errorf("%q: got %q and %q, net/http %q and %q", line, user, password, u, p)
		}
	})
}

// A client that a proxy names is far away, although all connections of the test are
// local.
func TestPasswordsInClear(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		called := 0
		s := serveUsers(t, nil, func(srv *httpd.Server) {
			before := srv.Login
			srv.Login = func(ctx context.Context, c httpd.Client, user, password string) (*httpd.Account, error) {
				called++
				return before(ctx, c, user, password)
			}
			srv.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
			srv.InsecureLogin = insecure
		})
		get := func(target string, header http.Header) (*http.Response, string) {
			c := s.dial(t)
			fmt.Fprintf(c, "PROXY TCP4 203.0.113.5 127.0.0.1 1000 80\r\nGET %s HTTP/1.1\r\nHost: test\r\nX-Forwarded-Proto: https\r\n", target)
			_ = header.Write(c)
			_, _ = io.WriteString(c, "\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp, string(body)
		}
		resp, body := get("/f.txt", basic("alice", "secret of alice"))
		challenged, asked := get("/?login", nil)
		if insecure {
			if body != "of alice" || challenged.StatusCode != 401 {
				t.Errorf("with InsecureLogin: %s, %q, and %s", resp.Status, body, challenged.Status)
			}
			continue
		}
		if resp.StatusCode != 403 || !strings.Contains(body, "https") || !strings.Contains(body, "--insecure-login") || called != 0 {
			t.Errorf("%s, %q, and Login was called %d times, want 403 and no call", resp.Status, body, called)
		}
		if challenged.StatusCode != 403 || challenged.Header.Get("WWW-Authenticate") != "" || !strings.Contains(asked, "https") {
			t.Errorf("?login: %s, %v: the client is asked for a password in clear", challenged.Status, challenged.Header)
		}
		if resp, body := get("/f.txt", nil); body != "of pub" {
			t.Errorf("a guest: %s, %q", resp.Status, body)
		}
		if resp, body := s.do(t, "GET", "/f.txt", basic("alice", "secret of alice")); body != "of alice" {
			t.Errorf("from this host: %s, %q", resp.Status, body)
		}
	}
}

func TestUsersLogInByTLS(t *testing.T) {
	other := httptest.NewTLSServer(nil) // for its certificate, and a client that trusts it
	defer other.Close()
	var clients []httpd.Client
	s := serveUsers(t, nil, func(srv *httpd.Server) {
		srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
		before := srv.Login
		srv.Login = func(ctx context.Context, c httpd.Client, user, password string) (*httpd.Account, error) {
			clients = append(clients, c)
			return before(ctx, c, user, password)
		}
	})
	addr, _ := s.serveTLS(t)
	for _, http2 := range []bool{false, true} {
		transport := &http.Transport{
			TLSClientConfig:   other.Client().Transport.(*http.Transport).TLSClientConfig.Clone(),
			ForceAttemptHTTP2: http2,
		}
		for _, user := range []string{"alice", "bob", ""} {
			r, _ := http.NewRequest("GET", "https://"+addr+"/f.txt", nil)
			want := "of pub"
			if user != "" {
				r.Header, want = basic(user, "secret of "+user), "of "+user
			}
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if string(body) != want {
				t.Errorf("%s: %s, %q", user, resp.Status, body)
			}
			if rec := s.report(t); rec.User != user || rec.Protocol != live.HTTPS {
				t.Errorf("recorded %+v", rec)
			}
		}
		transport.CloseIdleConnections()
	}
	for _, c := range clients {
		if c.TLS == nil || !c.Remote.Addr().IsLoopback() || c.Local.String() != addr || c.Session == 0 {
			t.Errorf("Login was called with %+v", c)
		}
	}
}

func TestUsersGetFilesBySendfile(t *testing.T) {
	const size = 3 << 20
	s := serveUsers(t, nil, nil)
	s.pattern(t, "alice/large", size)
	for range 2 { // also from the cache
		resp, body := s.do(t, "GET", "/large", basic("alice", "secret of alice"))
		if resp.StatusCode != 200 || sha256.Sum256([]byte(body)) != nettest.PatternSum(0, size) {
			t.Errorf("%s with %d bytes", resp.Status, len(body))
		}
		if rec := s.report(t); rec.Method != fastMethod || rec.Sent != size || rec.User != "alice" {
			t.Errorf("recorded %+v, want %v", rec, fastMethod)
		}
	}
}

// Guests pay nothing for the users.
func TestWithLoginsAGuestStillAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	if fastMethod != sendfile.Sendfile {
		t.Skip("this is a promise of calls on descriptors")
	}
	s := serveSessions(t, func(srv *httpd.Server) { handler(srv).CacheValid = time.Hour; srv.OnTransfer = nil })
	c := s.dial(t)
	request := []byte("GET /f.txt HTTP/1.1\r\nHost: a\r\nCookie: consent=1; session=2\r\n\r\n") // of other programs
	buf := make([]byte, 4096)
	var last []byte
	round := func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		n := 0
		for !bytes.HasSuffix(buf[:n], []byte("of pub")) {
			m, err := c.Read(buf[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += m
		}
		last = buf[:n]
	}
	for range 10 {
		round()
	}
	if got := testing.AllocsPerRun(200, round); got != 0 {
		t.Errorf("%v allocations a request, want none", got)
	}
	if !bytes.Contains(last, []byte("\r\nVary: Authorization, Cookie\r\n")) {
		t.Errorf("no Vary in %q", last)
	}
}

func TestResponsesToGuestsVaryByUser(t *testing.T) {
	for _, noFastPath := range []bool{false, true} {
		s := serveUsers(t, nil, func(srv *httpd.Server) { srv.NoFastPath = noFastPath })
		resp, _ := s.do(t, "GET", "/f.txt", nil)
		tag := http.Header{"If-None-Match": {resp.Header.Get("Etag")}}
		for _, tt := range []struct {
			method, target string
			header         http.Header
			status         int
		}{
			{"GET", "/f.txt", nil, 200}, {"HEAD", "/f.txt", nil, 200}, {"GET", "/f.txt", tag, 304}, {"HEAD", "/f.txt", tag, 304},
			{"GET", "/f.txt", http.Header{"Range": {"bytes=0-1"}}, 206}, {"GET", "/f.txt", http.Header{"Range": {"bytes=99-"}}, 416},
			{"GET", "/f.txt", http.Header{"If-Match": {`"x"`}}, 412}, {"GET", "/", nil, 200}, {"HEAD", "/", nil, 200}, {"GET", "/missing", nil, 404},
			{"GET", "/?tar", nil, 200}, {"PUT", "/f.txt", nil, 405}, {"OPTIONS", "/", nil, 204}, {"GET", "/f.txt?sha256", nil, 200}, {"GET", "/?login", nil, 401},
		} {
			resp, _ := s.do(t, tt.method, tt.target, tt.header)
			if resp.StatusCode != tt.status || !strings.Contains(resp.Header.Get("Vary"), "Authorization, Cookie") || strings.Contains(resp.Header.Get("Cache-Control"), "private") {
				t.Errorf("%s %s: %s, %v, want %d", tt.method, tt.target, resp.Status, resp.Header, tt.status)
			}
		}
	}
}

// One connection changes its user, and each response is that user's, whatever the
// caches of the others have.
func TestNothingLeaksBetweenUsers(t *testing.T) {
	s := serveUsers(t, nil, func(srv *httpd.Server) {
		handler(srv).CacheValid = time.Hour
		handler(srv).Rules = []httpd.Rule{
			{Pattern: "/**", Name: "Cache-Control", Value: "public, max-age=60, s-maxage=600"},
			{Pattern: "/**", Name: "CDN-Cache-Control", Value: "max-age=60"},
			{Pattern: "/**", Name: "Vary", Value: ""},
		}
	})
	users := map[string]string{"pub": "", "alice": "alice", "bob": "bob"}
	tags := map[string]string{}
	c := s.dial(t)
	r := bufio.NewReader(c)
	request := func(name, method, target string, more http.Header) (*http.Response, string) {
		fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: test\r\n", method, target)
		if user := users[name]; user != "" {
			_ = basic(user, "secret of "+user).Write(c)
		}
		_ = more.Write(c)
		_, _ = io.WriteString(c, "\r\n")
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(resp.Header.Get("Vary"), "Authorization, Cookie") {
			t.Errorf("%s %s by %s: %s has Vary: %q", method, target, name, resp.Status, resp.Header.Get("Vary"))
		}
		cc := resp.Header.Get("Cache-Control")
		if private := strings.HasPrefix(cc, "private"); private != (name != "pub") || private && (strings.Contains(cc, "public") || strings.Contains(cc, "s-maxage") || resp.Header.Get("CDN-Cache-Control") != "") {
			t.Errorf("%s %s by %s: %s has Cache-Control: %q", method, target, name, resp.Status, cc)
		}
		return resp, string(body)
	}
	for range 3 { // from the disk, and from the cache
		for name := range users {
			resp, body := request(name, "GET", "/f.txt", nil)
			if body != "of "+name {
				t.Errorf("%s got %s, %q", name, resp.Status, body)
			}
			tags[name] = resp.Header.Get("Etag")
			for _, other := range [][2]string{{"HEAD", "/f.txt"}, {"GET", "/"}, {"HEAD", "/"}, {"GET", "/missing"}, {"GET", "/?tar"}, {"OPTIONS", "/"}, {"GET", "/f.txt?md5"}} {
				request(name, other[0], other[1], nil)
			}
			request(name, "GET", "/f.txt", http.Header{"Range": {"bytes=99-"}})
			request(name, "GET", "/f.txt", http.Header{"Range": {"bytes=0-1"}})
		}
	}
	for name := range users {
		for other, tag := range tags {
			resp, body := request(name, "GET", "/f.txt", http.Header{"If-None-Match": {tag}})
			if name == other && resp.StatusCode != 304 || name != other && (resp.StatusCode != 200 || body != "of "+name) {
				t.Errorf("%s with the tag of %s got %s, %q", name, other, resp.Status, body)
			}
		}
	}
}

func TestAConnectionCountsForItsUser(t *testing.T) {
	s := serveUsers(t, accounts{"alice": {Home: "/alice", Rights: readOnly, MaxSessions: 1}}, func(srv *httpd.Server) { srv.Live = new(httpd.Registry) })
	dial := func() func(user string) *http.Response {
		c := s.dial(t)
		r := bufio.NewReader(c)
		return func(user string) *http.Response {
			_, _ = io.WriteString(c, "GET /f.txt HTTP/1.1\r\nHost: test\r\n")
			if user != "" {
				_ = basic(user, "secret of "+user).Write(c)
			}
			_, _ = io.WriteString(c, "\r\n")
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp
		}
	}
	first, second := dial(), dial()
	for _, tt := range []struct {
		get    func(string) *http.Response
		user   string
		status int
	}{
		{first, "alice", 200}, {first, "alice", 200}, {second, "alice", 429}, {second, "bob", 200},
		{first, "bob", 200}, {second, "alice", 200}, {first, "alice", 429}, {second, "", 200}, {first, "alice", 200},
	} {
		resp := tt.get(tt.user)
		if resp.StatusCode != tt.status || (resp.Header.Get("Retry-After") != "") != (tt.status == 429) {
			t.Errorf("%q: %s, %v, want %d", tt.user, resp.Status, resp.Header, tt.status)
		}
	}
	status, err := s.Live.MarshalJSON()
	if err != nil || strings.Count(string(status), `"user":"alice"`) != 1 {
		t.Errorf("%s, %v, want one session of alice", status, err)
	}
}

func TestAccountsWithTheSameViewShareAHandler(t *testing.T) {
	users := accounts{}
	for i := range httpd.MaxAccountHandlers + 10 {
		users["same"+strconv.Itoa(i)] = httpd.Account{Home: "/alice", Rights: readOnly | account.Create}
		users["limited"+strconv.Itoa(i)] = httpd.Account{Home: "/alice", Rights: readOnly, MaxRate: 1 << 30, MaxRatePerTransfer: 1 << 30}
	}
	s := serveUsers(t, users, func(srv *httpd.Server) { handler(srv).CacheValid = time.Hour })
	get := func(user string) {
		t.Helper()
		if resp, body := s.do(t, "GET", "/f.txt", basic(user, "secret of "+user)); body != "of alice" {
			t.Fatalf("%s: %s, %q", user, resp.Status, body)
		}
		s.report(t)
	}
	for i := range httpd.MaxAccountHandlers + 10 {
		get("same" + strconv.Itoa(i))
	}
	if n, stats := s.AccountHandlers(), s.CacheStats(); n != 1 || stats.Files != 1 {
		t.Errorf("%d Handlers keep %+v, want one", n, stats)
	}
	for i := range httpd.MaxAccountHandlers + 10 {
		get("limited" + strconv.Itoa(i))
	}
	if n, stats := s.AccountHandlers(), s.CacheStats(); n != httpd.MaxAccountHandlers || stats.Files != n {
		t.Errorf("%d Handlers keep %+v, want %d", n, stats, httpd.MaxAccountHandlers)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := s.AccountHandlers(); n != 0 {
		t.Errorf("%d Handlers after Close", n)
	}
}

// notComparable is a file system that cannot be the key of a map.
type notComparable struct {
	afero.Fs
	_ []int
}

func TestAnyFileSystemWillDoForAnAccount(t *testing.T) {
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, "/home/f.txt", []byte("in memory"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := serveUsers(t, accounts{
		"memory": {FS: memory, Home: "/home", Rights: readOnly},
		"odd":    {FS: notComparable{Fs: memory}, Home: "/home", Rights: readOnly},
	}, nil)
	for _, user := range []string{"memory", "odd"} {
		if resp, body := s.do(t, "GET", "/f.txt", basic(user, "secret of "+user)); body != "in memory" {
			t.Errorf("%s: %s, %q", user, resp.Status, body)
		}
	}
}

func TestAHomeThatIsReplacedIsSeen(t *testing.T) {
	needsRemoval(t)
	t.Cleanup(httpd.CheckHomesAtOnce())
	s := serveUsers(t, nil, nil)
	get := func() string {
		_, body := s.do(t, "GET", "/f.txt", basic("alice", "secret of alice"))
		return body
	}
	if got := get(); got != "of alice" {
		t.Fatalf("got %q", got)
	}
	if err := os.Rename(filepath.Join(s.dir, "alice"), filepath.Join(s.dir, "before")); err != nil {
		t.Fatal(err)
	}
	s.write(t, "alice/f.txt", "of the next home")
	if got := get(); got != "of the next home" {
		t.Errorf("got %q", got)
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "alice")); err != nil {
		t.Fatal(err)
	}
	if got := get(); !strings.Contains(got, "home directory") {
		t.Errorf("without the home: got %q", got)
	}
}

func TestTheRateOfAUserIsShared(t *testing.T) {
	s := serveUsers(t, accounts{"alice": {Home: "/alice", Rights: readOnly, MaxRate: 1}}, nil)
	s.pattern(t, "alice/f", 100_000)
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /f HTTP/1.1\r\nHost: test\r\n")
	_ = basic("alice", "secret of alice").Write(c)
	_, _ = io.WriteString(c, "\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	_ = c.Close() // at a byte a second the body would take a day
	if rec := s.report(t); rec.Sent >= 100_000 || rec.User != "alice" {
		t.Errorf("recorded %+v, want a limited response", rec)
	}
}

func TestALoginNeedsAHandlerOfThisPackage(t *testing.T) {
	ln := listenLocal(t)
	srv := &httpd.Server{Handler: http.NotFoundHandler(), Login: accounts{}.logIn}
	if err := srv.Serve(ln); err == nil || !strings.Contains(err.Error(), "Login") {
		t.Errorf("Serve = %v", err)
	}
	_ = srv.Close()
}

// A field that is new in Handler must be thought of in withOptions.
func TestTheOptionsOfAHandlerAreCopied(t *testing.T) {
	notOptions := map[string]bool{"FS": true, "ShowHidden": true, "Write": true, "Paths": true, "User": true, "Volume": true, "VolumeDir": true, "Quota": true}
	h := &httpd.Handler{
		CacheValid: 1, Method: 1, StallTimeout: 1, MaxRate: 1, RateAfter: 1, Limiter: httpd.NewLimiter(1), UploadLimiter: httpd.NewLimiter(1), OnTransfer: func(httpd.Transfer) {},
		ServerTiming: true, Index: []string{""}, NoListing: true, NotFoundPage: "x", Fallback: "x", Precompressed: true, CompressListings: true,
		Archives: true, ContentETags: true, Rules: []httpd.Rule{{}}, CORS: []string{""},
		RedirectFor: 1, RedirectFrom: 1,
		Write: httpd.Create, Paths: new(httpd.Paths), User: "x", Durability: httpd.DurabilityNone, MaxUpload: 1, KeepUploads: 1, WebDAV: true, Budget: new(httpd.Budget),
	}
	got := reflect.ValueOf(h.WithOptions()).Elem()
	for i := range got.NumField() {
		f := got.Type().Field(i)
		if f.IsExported() && got.Field(i).IsZero() != notOptions[f.Name] {
			t.Errorf("%s is %v", f.Name, got.Field(i))
		}
	}
}

func TestFailedLoginsAreLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := httpd.NewFailedLogins()
		addr := netip.MustParseAddr("192.0.2.1")
		begin := time.Now()
		leave, _ := f.Enter(t.Context(), addr, "alice", "x")
		time.Sleep(300 * time.Millisecond) // the check
		leave(true)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("a failure was answered after %v, want 1s", took)
		}
		begin = time.Now()
		leave, _ = f.Enter(t.Context(), addr, "alice", "right")
		leave(false)
		if took := time.Since(begin); took != 0 {
			t.Errorf("a success was answered after %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		leave, _ = f.Enter(ctx, addr, "alice", "x")
		cancel()
		leave(true)
		if took := time.Since(begin); took != 0 {
			t.Errorf("a client that has left waited for %v", took)
		}
	})
}

func TestAnAddressMayTryFewPasswordsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := httpd.NewFailedLogins()
		addr, network := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
		var leaves []func(bool) bool
		for range httpd.MaxLogins {
			leave, _ := f.Enter(t.Context(), addr, "alice", "x")
			leaves = append(leaves, leave)
		}
		var entered atomic.Int32
		for range httpd.MaxWaitingLogins {
			go func() {
				if leave, _ := f.Enter(t.Context(), network, "alice", "right"); leave != nil {
					entered.Add(1)
					leave(false)
				}
			}()
		}
		synctest.Wait()
		if n := entered.Load(); n != 0 {
			t.Errorf("%d more logins were checked", n)
		}
		if leave, retryAfter := f.Enter(t.Context(), addr, "alice", "x"); leave != nil || retryAfter <= 0 {
			t.Error("one too many may wait")
		}
		f.Succeeded("bob", network)
		for who, at := range map[string]netip.Addr{"another address": netip.MustParseAddr("2001:db8:0:1::1"), "a user who has logged in from there": addr} {
			if leave, _ := f.Enter(t.Context(), at, "bob", "x"); leave == nil {
				t.Errorf("%s may not log in", who)
			} else {
				leave(false)
			}
		}
		for _, leave := range leaves {
			leave(false)
		}
		synctest.Wait()
		if n := entered.Load(); n != httpd.MaxWaitingLogins {
			t.Errorf("%d of those that waited were checked", n)
		}
	})
}

func TestManyFailedLoginsBanAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := httpd.NewFailedLogins()
		addr := netip.MustParseAddr("192.0.2.1")
		try := func(password string) (retryAfter time.Duration) {
			leave, retryAfter := f.Enter(t.Context(), addr, "alice", password)
			if leave != nil {
				leave(true)
			}
			return retryAfter
		}
		for range 3 * httpd.MaxFailedLogins {
			if try("the same") != 0 {
				t.Fatal("a client that repeats a password is banned")
			}
		}
		for i := range httpd.MaxFailedLogins - 1 {
			if try(strconv.Itoa(i)) != 0 {
				t.Fatalf("banned after %d failures", i)
			}
		}
		begun := time.Now()
		leave, _ := f.Enter(t.Context(), addr, "alice", "x")
		if leave == nil {
			t.Fatal("the right password would not pass")
		}
		if !leave(true) || time.Since(begun) != 0 {
			t.Errorf("after %d failures a wrong password is not answered as in a ban, at once", httpd.MaxFailedLogins)
		}
		for i := range 100 { // until nothing is checked any more
			if leave, _ := f.Enter(t.Context(), addr, "alice", "again "+strconv.Itoa(i)); leave != nil {
				leave(true)
			}
		}
		if retryAfter := try("x"); retryAfter <= 0 || retryAfter > httpd.LoginBan {
			t.Errorf("after %d failures: try again after %v", 5*httpd.MaxFailedLogins, retryAfter)
		}
		for _, local := range []netip.Addr{netip.MustParseAddr("127.0.0.1"), {}} { // there may be a proxy
			for i := range 2 * httpd.MaxFailedLogins {
				leave, _ := f.Enter(t.Context(), local, "alice", strconv.Itoa(i))
				if leave == nil {
					t.Fatalf("%v is banned", local)
				}
				leave(true)
			}
		}
		time.Sleep(httpd.LoginBan)
		if try("x") != 0 {
			t.Error("the ban does not end")
		}
	})
}
