package daemon

import (
	"errors"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/ftpd"
	"sluice/internal/config"
)

func TestLoginsFromOtherNetworksFailAsWrongPasswordsDo(t *testing.T) {
	const restricted = aliceTable + "networks = ['127.0.0.0/8']\n" + bobTable + "[user.anonymous]\nnetworks = ['127.0.0.0/8', '::1']\n"
	r := newReloadTest(t, confWith(t, restricted, nil))
	for _, tt := range []struct {
		name, user, addr string
		ok               bool
		reason           string // in the log
	}{
		{"a user", "alice", "127.0.0.1", true, ""},
		{"a user from elsewhere", "alice", "192.0.2.1", false, "may not log in from this address (networks of the user alice)"},
		{"a user without networks", "bob", "192.0.2.1", true, ""},
		{"a guest", "anonymous", "::1", true, ""},
		{"a guest from elsewhere", "ftp", "192.0.2.1", false, "may not log in from this address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := ftpd.Client{Remote: netip.AddrPortFrom(netip.MustParseAddr(tt.addr), 1)}
			a, err := r.logInByFTP(t.Context(), client, tt.user, "secret")
			if (err == nil) != tt.ok || (a != nil) != tt.ok {
				t.Fatalf("got %+v, %v, want a login: %v", a, err, tt.ok)
			}
			if !tt.ok && (!errors.Is(err, ftpd.ErrLogin) || !strings.Contains(err.Error(), tt.reason)) {
				t.Errorf("got %v, want %q", err, tt.reason)
			}
		})
	}
}

// A guest's network decides at each request, by all paths of HTTP, and behind a proxy.
func TestHTTPShowsNothingToGuestsOfOtherNetworks(t *testing.T) {
	for _, path := range []struct {
		name   string
		choose func(*config.Config)
	}{
		{"event loops", func(*config.Config) {}},
		{"goroutines", func(c *config.Config) { c.Loop = "off" }},
		{"net/http", func(c *config.Config) { c.FastPath = false }},
	} {
		for _, tt := range []struct {
			name, networks, forwarded string
			trusted                   bool
			want                      int
		}{
			{"a guest of the network", "127.0.0.0/8", "", false, 200},
			{"a guest of another network", "10.0.0.0/8", "", false, 401},
			{"a guest behind a proxy", "10.0.0.0/8", "10.1.2.3", true, 200},
			{"a guest of another network behind a proxy", "127.0.0.0/8", "10.1.2.3", true, 401},
			{"a guest who invents a proxy", "10.0.0.0/8", "10.1.2.3", false, 401},
		} {
			t.Run(tt.name+", by "+path.name, func(t *testing.T) {
				tables := tableOf("alice") + "[user.anonymous]\nnetworks = ['" + tt.networks + "']\n"
				d := newLoginTest(t, confWith(t, tables, func(c *config.Config) {
					path.choose(c)
					if tt.trusted {
						c.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
					}
				}))
				d.write(t, map[string]string{"f": "content"})
				for _, target := range []string{"/f", "/f", "/", "/none"} { // twice, for what is kept of it
					r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+d.http+target, nil)
					if err != nil {
						t.Fatal(err)
					}
					if tt.forwarded != "" {
						r.Header.Set("X-Forwarded-For", tt.forwarded)
					}
					resp, err := http.DefaultTransport.RoundTrip(r)
					if err != nil {
						t.Fatal(err)
					}
					_ = resp.Body.Close()
					want := tt.want
					if want == 200 && target == "/none" {
						want = 404
					}
					if resp.StatusCode != want {
						t.Errorf("%s: %d, want %d", target, resp.StatusCode, want)
					}
				}
			})
		}
	}
}

func TestFTPCountsFailedLoginsWithTheOtherProtocols(t *testing.T) {
	s := newServer(t, func(c *config.Config) { c.FTP = []string{"127.0.0.1:0"} }).(*ftpd.Server)
	if s.Throttle == nil {
		t.Error("the FTP server has a Throttle of its own")
	}
}

func TestTheLogWarnsThatGuestsCanFillTheDisk(t *testing.T) {
	for tables, want := range map[string]bool{
		"[user.anonymous]\nrights = ['list', 'read']\n":                                  false,
		"[user.anonymous]\nrights = ['create']\n":                                        true,
		"[user.anonymous]\n[[user.anonymous.path]]\npath = '/in'\nrights = ['create']\n": true,
		"[user.anonymous]\n[[user.anonymous.path]]\npath = '/in'\nrights = []\n":         false,
		tableOf("alice", "rights = ['create']"):                                          false,
	} {
		r := newReloadTest(t, confWith(t, tables, nil))
		r.warnUsers(r.conf)
		r.daemon.log.Flush()
		if got := strings.Contains(r.log.String(), "fill the disk"); got != want {
			t.Errorf("%q: the log is %q, want the warning: %v", tables, r.log.String(), want)
		}
	}
}

// A guest sends files to a drop box by both protocols, and sees what it may elsewhere.
func TestGuestsHaveADropBoxByFTPAndHTTP(t *testing.T) {
	const guests = "[user.anonymous]\nrights = ['list', 'read']\n[[user.anonymous.path]]\npath = '/in'\nrights = ['create']\n"
	d := newLoginTest(t, confWith(t, guests+tableOf("alice"), nil))
	d.write(t, map[string]string{"in/taken": "old", "f": "content"})
	for i, put := range []func() bool{
		func() bool { return d.request(t, "", "PUT", "/in/taken", "by HTTP") == 201 },
		func() bool { return d.command(t, "anonymous", "STOR /in/taken", "by FTP") },
		func() bool { return d.request(t, "", "PUT", "/in/new", "new") == 201 },
	} {
		if !put() {
			t.Errorf("upload %d was refused", i)
		}
	}
	for name, want := range map[string]string{"taken": "old", "taken (2)": "by HTTP", "taken (3)": "by FTP", "new": "new"} {
		if content, err := os.ReadFile(filepath.Join(d.dir, "in", name)); string(content) != want {
			t.Errorf("%s has %q, %v, want %q", name, content, err, want)
		}
	}
	for target, want := range map[string]int{"/in/taken": 404, "/in/none": 404, "/f": 200} {
		if status, body := d.get(t, "", target); status != want {
			t.Errorf("GET %s: %d %q, want %d", target, status, body, want)
		}
	}
	if status, body := d.get(t, "", "/in/"); status != 200 || strings.Contains(body, "taken") {
		t.Errorf("the listing of the drop box: %d %q", status, body)
	}
	for request, want := range map[string]int{"PUT /f": 401, "PUT /n": 401, "DELETE /f": 401, "DELETE /in/taken": 401} {
		method, target, _ := strings.Cut(request, " ")
		if got := d.request(t, "", method, target, "x"); got != want {
			t.Errorf("%s: %d, want %d", request, got, want)
		}
	}
	if d.command(t, "anonymous", "STOR /n", "x") || d.command(t, "anonymous", "DELE /f", "") {
		t.Error("a guest has changed what it may not by FTP")
	}
}
