//go:build e2e

package e2e

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// vcl makes Varnish keep every response to GET that its fields allow, whatever cookie or
// password the request has: by default it would cache none of these.
const vcl = `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "PORT"; }
sub vcl_recv {
	if (req.method == "GET") { return (hash); }
	return (pass);
}
sub vcl_deliver { set resp.http.X-Hits = obj.hits; }
`

// behindVarnish returns a client whose requests all go to Varnish in front of s.
func behindVarnish(t *testing.T, s *server) *http.Client {
	t.Helper()
	nettest.NeedsProgram(t, "varnishd", "varnish")
	dir, err := os.MkdirTemp("", "varnish-") // short, for the name of the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config, socket := filepath.Join(dir, "vcl"), filepath.Join(dir, "socket")
	if err := os.WriteFile(config, []byte(strings.Replace(vcl, "PORT", s.http.Port(), 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	log := runToTheEnd(t, "varnishd", "-F", "-j", "none", "-n", filepath.Join(dir, "work"), "-a", socket, "-f", config, "-s", "malloc,32m",
		"-p", "vcc_allow_inline_c=off", "-p", "thread_pools=1", "-p", "thread_pool_min=10")
	if len(log.await(1, patience, func(line string) bool {
		return strings.Contains(line, "Child starts") || strings.Contains(line, "said Child starts")
	})) == 0 {
		t.Fatalf("varnishd has not started:\n%s", log)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dial},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       time.Minute,
	}
}

// Two users and a guest behind a cache that keeps what it may: each sees its own files,
// and only those of the guest are kept.
func TestACacheKeepsUsersApart(t *testing.T) {
	dir := t.TempDir()
	line := hashLine(t, "secret")
	text := "[user.anonymous]\nhome = '/pub'\n"
	for _, name := range []string{"pub", "alice", "bob"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "f.txt"), []byte("of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
		if name != "pub" {
			text += "[user." + name + "]\nhome = '/" + name + "'\n" + line
		}
	}
	s := startUnder(t, nil, dir, "--config", writeConfig(t, "", text))
	client := behindVarnish(t, s)
	do := func(method, target, cookie, password, body string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://cached.example"+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		if password != "" {
			r.SetBasicAuth(password, "secret")
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return nettest.Exchange(t, client.Do, r)
	}
	logIn := func(name string) (cookie string) {
		form := url.Values{"username": {name}, "password": {"secret"}}
		resp, _ := do("POST", "/?login", "", "", form.Encode())
		cookie, _, _ = strings.Cut(resp.Header.Get("Set-Cookie"), ";")
		if resp.StatusCode != http.StatusSeeOther || cookie == "" {
			t.Fatalf("%s: %s, %v", name, resp.Status, resp.Header)
		}
		return cookie
	}
	alice, bob := logIn("alice"), logIn("bob")
	clients := []struct{ name, cookie, password, dir string }{
		{"a guest", "", "", "pub"},
		{"alice by cookie", alice, "", "alice"},
		{"bob by cookie", bob, "", "bob"},
		{"alice by Basic", "", "alice", "alice"},
		{"bob by Basic", "", "bob", "bob"},
		{"a guest with a cookie of another program", "consent=1", "", "pub"},
	}
	hits := 0
	for round := range 6 {
		for i := range clients {
			c := clients[(i*(round+1)+round)%len(clients)] // in another order each time
			for _, target := range []string{"/f.txt", "/"} {
				resp, body := do("GET", target, c.cookie, c.password, "")
				if target == "/f.txt" && body != "of "+c.dir {
					t.Errorf("%s gets %q, %v", c.name, body, resp.Header)
				}
				for _, other := range []string{"alice", "bob"} {
					if other != c.dir && strings.Contains(body, other) {
						t.Errorf("%s gets a page of %s:\n%s", c.name, other, body)
					}
				}
				if isHit := resp.Header.Get("X-Hits") != "0"; isHit && c.dir != "pub" {
					t.Errorf("%s gets %s from the cache: %v", c.name, target, resp.Header)
				} else if isHit {
					hits++
				}
			}
		}
	}
	if hits == 0 {
		t.Error("nothing was cached: this test shows nothing")
	}
	if resp, _ := do("POST", "/?logout", alice, "", ""); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("logout: %s", resp.Status)
	}
	if _, body := do("GET", "/f.txt", alice, "", ""); body != "of pub" {
		t.Errorf("after the logout: %q", body)
	}
}
