package daemon

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/nettest"
)

// logInByPage logs a user in and returns the cookie; "" if the page refuses.
func (d *loginTest) logInByPage(t *testing.T, user, password string) string {
	t.Helper()
	form := url.Values{"username": {user}, "password": {password}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.http+"/?login", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
	if (resp.StatusCode == http.StatusSeeOther) != (cookie != "") {
		t.Fatalf("%s, %v", resp.Status, resp.Header)
	}
	return cookie
}

// statusFor returns the status of a request with a cookie.
func (d *loginTest) statusFor(t *testing.T, cookie, target string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.http+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func newSessionTest(t *testing.T, state, users string) *loginTest {
	t.Helper()
	conf := confWith(t, users, func(c *config.Config) { c.State, c.Anonymous = state, false })
	d := newLoginTest(t, conf)
	d.write(t, map[string]string{"f": "of all"})
	if err := d.openState(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.sessions.Close() })
	return d
}

func TestSessionsSurviveARestartAndEndWithTheirUser(t *testing.T) {
	state := nettest.TempDir(t)
	first := newSessionTest(t, state, aliceTable+bobTable)
	alice, bob := first.logInByPage(t, "alice", "secret"), first.logInByPage(t, "bob", "secret")
	if first.logInByPage(t, "alice", "wrong") != "" {
		t.Error("a wrong password is right")
	}
	second := newSessionTest(t, state, aliceTable+bobTable)
	for _, d := range []*loginTest{first, second} {
		if a, b := d.statusFor(t, alice, "/f"), d.statusFor(t, bob, "/f"); a != 200 || b != 200 {
			t.Errorf("got %d and %d", a, b)
		}
	}
	// Another hash, of the same password or of another one, and a user less.
	hash, err := account.NewHash("secret", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.again(confWith(t, "[user.alice]\npassword = '"+hash.String()+"'\n", nil)); err != nil {
		t.Fatal(err)
	}
	if a, b := second.statusFor(t, alice, "/f"), second.statusFor(t, bob, "/f"); a != 401 || b != 401 {
		t.Errorf("after a change of the password got %d, after a removal %d, want 401", a, b)
	}
	if again := second.logInByPage(t, "alice", "secret"); second.statusFor(t, again, "/f") != 200 {
		t.Error("the new password is refused")
	}
}

// The networks and the rights of a user hold for its sessions, as they are now.
func TestNetworksAndRightsHoldForSessions(t *testing.T) {
	d := newSessionTest(t, nettest.TempDir(t), aliceTable)
	alice := d.logInByPage(t, "alice", "secret")
	for _, tt := range []struct {
		line string
		want int
	}{
		{"networks = ['192.0.2.0/24']", 401}, {"networks = ['127.0.0.0/8']", 200}, {"rights = ['list']", 403}, {"home = '/gone'", 403}, {"", 200},
	} {
		if _, err := d.again(confWith(t, aliceTable+tt.line+"\n", nil)); err != nil {
			t.Fatal(err)
		}
		if got := d.statusFor(t, alice, "/f"); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.line, got, tt.want)
		}
	}
}

// A guest needs no password, so sessions of guests would be free.
func TestGuestsGetNoSession(t *testing.T) {
	conf := confWith(t, aliceTable, func(c *config.Config) { c.State = nettest.TempDir(t) })
	d := newLoginTest(t, conf)
	for _, name := range []string{"anonymous", "ftp", "FTP"} {
		if cookie := d.logInByPage(t, name, "x"); cookie != "" {
			t.Errorf("%s has the session %s", name, cookie)
		}
	}
	if _, err := os.Stat(SessionsFile(conf.State)); err == nil {
		t.Error("a file was written for guests")
	}
}

// openDaemon returns a daemon with its source open, until the end of the test.
func openDaemon(t *testing.T, conf config.Config) *daemon {
	t.Helper()
	d, err := open(t.Context(), conf, new(strings.Builder))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d
}

func TestTheStateDirectoryIsChecked(t *testing.T) {
	root, parent := nettest.TempDir(t), nettest.TempDir(t)
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(parent, "link")
	isLinked := os.Symlink(root, link) == nil
	for _, tt := range []struct{ state, want string }{
		{filepath.Join(parent, "new"), ""},
		{parent, ""},
		{filepath.Join(parent, "a", "b"), "make the directory of --state"},
		{file, "is not a directory"},
		{root, "is in the served directory"},
		{filepath.Join(root, "state"), "is in the served directory"},
		{filepath.Join(link, "state"), "is in the served directory"},
		{filepath.Dir(root), "has the served directory in it"},
	} {
		if strings.HasPrefix(tt.state, link) && !isLinked {
			continue
		}
		conf := confWith(t, aliceTable, func(c *config.Config) { c.Root, c.State = root, tt.state })
		err := openDaemon(t, conf).prepareState()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.state, err, tt.want)
		}
		conf.StateIsDefault = true
		isInTheWay := strings.Contains(tt.want, "served directory")
		if d := openDaemon(t, conf); isInTheWay && (d.prepareState() != nil || d.keepsState()) {
			t.Errorf("%s: by default state is kept, or refused", tt.state)
		}
		conf.Users = nil
		if err := openDaemon(t, conf).prepareState(); err != nil {
			t.Errorf("%s: without users got %v", tt.state, err)
		}
	}
	d := newSessionTest(t, parent, aliceTable)
	if err := os.WriteFile(SessionsFile(parent), []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.openState(); err == nil || !strings.Contains(err.Error(), "it is not a file of sessions; move it away") {
		t.Errorf("got %v", err)
	}
}
