package daemon

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/daemon/listen"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// loginTest is a daemon that serves users by HTTP and FTP.
type loginTest struct {
	*reloadTest
	dir       string
	http, ftp string // addresses
}

func newLoginTest(t testing.TB, conf config.Config) *loginTest {
	t.Helper()
	d := &loginTest{reloadTest: newReloadTest(t, conf)}
	d.dir = d.firstDir()
	var err error
	if d.opener, err = listen.NewOpener(0, d.loops()); err != nil {
		t.Fatal(err)
	}
	serve := func(s *service, scheme string, serve func(net.Listener) error) string {
		all, err := d.opener.Open(t.Context(), scheme, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln := all[0]
		served := make(chan error, 1)
		go func() { served <- serve(ln) }()
		t.Cleanup(func() {
			_ = s.server.(io.Closer).Close()
			<-served
		})
		return ln.Addr().String()
	}
	t.Cleanup(d.pages.close)
	web := d.newHTTP()
	d.http = serve(web, "http", d.pages.server.Serve)
	files := d.newFTP()
	d.ftp = serve(files, "ftp", files.server.(*ftpd.Server).Serve)
	return d
}

func (d *loginTest) write(t testing.TB, files map[string]string) {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(d.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// get requests target as user, whose password is "secret"; "" is a guest.
func (d *loginTest) get(t *testing.T, user, target string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+d.http+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if user != "" {
		r.SetBasicAuth(user, "secret")
	}
	resp, body := nettest.Exchange(t, http.DefaultTransport.RoundTrip, r)
	return resp.StatusCode, body
}

// logInFTP logs a user in by FTP, for the rest of the test.
func (d *loginTest) logInFTP(t *testing.T, user string) *ftpConn {
	t.Helper()
	conn, err := textproto.Dial("tcp", d.ftp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &ftpConn{conn}
	c.expect(t, 220, "")
	c.cmd(t, 331, "USER "+user)
	c.cmd(t, 230, "PASS secret")
	return c
}

// begin opens a data connection and sends a command that needs it; ok is false if the
// server refuses.
func (c *ftpConn) begin(t *testing.T, command string) (peer net.Conn, ok bool) {
	t.Helper()
	port := passivePort.FindStringSubmatch(c.cmd(t, 229, "EPSV"))
	peer, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port[1]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	if err := c.PrintfLine("%s", command); err != nil {
		t.Fatal(err)
	}
	_, _, err = c.ReadResponse(150)
	return peer, err == nil
}

// retrieve sends a command with a data connection as user, and returns the data; ok is
// false if the server refuses.
func (d *loginTest) retrieve(t *testing.T, user, command string) (data string, ok bool) {
	t.Helper()
	c := d.logInFTP(t, user)
	c.cmd(t, 200, "TYPE I")
	peer, ok := c.begin(t, command)
	if !ok {
		return "", false
	}
	content, err := io.ReadAll(peer)
	if err != nil {
		t.Fatal(err)
	}
	_ = peer.Close()
	c.expect(t, 226, command)
	return string(content), true
}

// tableOf returns the table of a user whose password is "secret".
func tableOf(name string, lines ...string) string {
	return strings.Replace(aliceTable, "alice", name, 1) + strings.Join(lines, "\n") + "\n"
}

// Every account sees the same by HTTP as by FTP: its home, its hidden names, and what
// its rights let it list and read.
func TestAnAccountReadsTheSameByFTPAndHTTP(t *testing.T) {
	tables := tableOf("all") + tableOf("home", `home = "/alice"`) + "[user.anonymous]\nhome = '/pub'\n"
	rights := map[string][]string{"lr": {"list", "read"}, "l": {"list"}, "r": {"read"}, "none": {}, "writer": {"list", "read", "create", "delete"}}
	for name, names := range rights {
		tables += tableOf(name, `rights = ["`+strings.Join(names, `", "`)+`"]`)
	}
	tables = strings.ReplaceAll(tables, `[""]`, `[]`)
	d := newLoginTest(t, confWith(t, tables, nil))
	d.write(t, map[string]string{
		"alice/f": "of alice", "alice/.hidden": "hidden", "pub/f": "of pub", "pub/.hidden": "hidden", "f": "of all", ".hidden": "top",
		"pub/.sluice-x.part": "part", "alice/dir/g": "deep", "alice/.dir/g": "deep and hidden",
	})
	if err := os.Symlink("../pub/f", filepath.Join(d.dir, "alice", "out")); err != nil {
		t.Log("no links here:", err)
	}
	users := slices.Sorted(maps.Keys(rights))
	for _, user := range append(users, "all", "home", account.Anonymous) {
		for _, name := range []string{"/f", "/.hidden", "/alice/f", "/alice/.hidden", "/pub/f", "/pub/.hidden", "/dir/g", "/.dir/g", "/out", "/alice/out", "/missing", "/../f"} {
			byFTP, ok := d.retrieve(t, user, "RETR "+name)
			status, byHTTP := d.get(t, user, name)
			if ok != (status == 200) || ok && byFTP != byHTTP {
				t.Errorf("%s, %s: by FTP %q, %v; by HTTP %d, %q", user, name, byFTP, ok, status, byHTTP)
			}
		}
		for _, dir := range []string{"/", "/alice/", "/pub/", "/dir/", "/missing/"} {
			byFTP, ok := d.retrieve(t, user, "NLST -a "+dir)
			status, body := d.get(t, user, dir)
			if !ok || byFTP == "" {
				if status == 200 && body != "[]\n" {
					t.Errorf("%s, %s: nothing by FTP; by HTTP %q", user, dir, body)
				}
				continue
			}
			var entries []struct{ Name string }
			if err := json.Unmarshal([]byte(body), &entries); err != nil {
				t.Errorf("%s, %s: %d, %q: %v", user, dir, status, body, err)
			}
			var got, want []string
			for _, e := range entries {
				got = append(got, e.Name)
			}
			for line := range strings.Lines(byFTP) {
				if user == "home" && strings.TrimSpace(line) == "/out" {
					continue // FTP lists a link that leads out of the home as a link, which nobody can follow
				}
				want = append(want, filepath.Base(strings.TrimSpace(line)))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: by HTTP %q, by FTP %q", user, dir, got, want)
			}
		}
	}
}

func TestAReloadEndsTheAccessOfAUser(t *testing.T) {
	d := newLoginTest(t, confWith(t, tableOf("alice")+tableOf("bob"), func(c *config.Config) { c.Anonymous = false }))
	d.write(t, map[string]string{"f": "content", "pub/f": "of pub"})
	conn, err := net.Dial("tcp", d.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	get := func(user string) int { // on one connection
		request, _ := http.NewRequest("GET", "http://"+d.http+"/f", nil)
		request.SetBasicAuth(user, "secret")
		if err := request.Write(conn); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode == 200 && string(body) != "content" && string(body) != "of pub" {
			t.Errorf("%s got %q", user, body)
		}
		if string(body) == "of pub" {
			return 2000
		}
		return resp.StatusCode
	}
	if a, b := get("alice"), get("bob"); a != 200 || b != 200 {
		t.Fatalf("got %d and %d", a, b)
	}
	if status, _ := d.get(t, "", "/f"); status != 401 {
		t.Errorf("a guest got %d, want 401", status)
	}
	if _, err := d.again(confWith(t, tableOf("bob", `home = "/pub"`), func(c *config.Config) { c.Anonymous = false })); err != nil {
		t.Fatal(err)
	}
	if a, b := get("alice"), get("bob"); a != 401 || b != 2000 {
		t.Errorf("after the reload alice got %d and bob %d, want 401, and the file of the new home", a, b)
	}
	d.daemon.log.Flush()
	log := d.log.String()
	_, refusal, _ := strings.Cut(log, `msg="http login refused" remote=127.0.0.1:`)
	if refusal, _, _ = strings.Cut(refusal, "\n"); !strings.HasSuffix(refusal, " user=alice reason=unknown") {
		t.Errorf("the log is %s, want a refusal with the name and the reason", log)
	}
}

func TestUsersFollowTheServedDirectory(t *testing.T) {
	d := newLoginTest(t, confWith(t, tableOf("alice", `home = "/a"`), nil))
	d.write(t, map[string]string{"a/f": "before"})
	if _, body := d.get(t, "alice", "/f"); body != "before" {
		t.Fatalf("got %q", body)
	}
	if err := os.Rename(d.dir, d.dir+".old"); err != nil {
		t.Skip("an open directory cannot be replaced here:", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(d.dir + ".old") })
	d.write(t, map[string]string{"a/f": "after"})
	before := d.root.tree().(*vfs.Root)
	t.Cleanup(func() { _ = before.Close() })
	d.root.(*servedRoot).name = d.dir
	if d.root.update(d.logger) == nil {
		t.Fatal("the new directory is not seen")
	}
	d.updatePages()
	if status, body := d.get(t, "alice", "/f"); body != "after" {
		t.Errorf("got %d, %q", status, body)
	}
}

// The first login computes a hash, which is expensive. The next requests do not: they
// pass while another one is being computed.
func TestARememberedPasswordCostsNoHash(t *testing.T) {
	conf := confWith(t, tableOf("alice"), nil)
	slow, err := account.NewHash("other", account.DefaultIterations)
	if err != nil {
		t.Fatal(err)
	}
	conf.Users = append(conf.Users, config.User{Account: account.Account{Name: "slow"}, Password: slow})
	d := newLoginTest(t, conf)
	d.write(t, map[string]string{"f": "content"})
	if status, _ := d.get(t, "alice", "/f"); status != 200 {
		t.Fatal(status)
	}
	begin := time.Now()
	const n = 200
	for range n {
		if status, _ := d.get(t, "alice", "/f"); status != 200 {
			t.Fatal(status)
		}
	}
	perRequest := time.Since(begin) / n
	begin = time.Now()
	_, _ = account.NewHash("x", account.DefaultIterations)
	if hash := time.Since(begin); perRequest > hash/4 {
		t.Errorf("a request takes %v, a hash %v", perRequest, hash)
	}
}

func TestStartWarnsOfPasswordsInClear(t *testing.T) {
	for _, tt := range []struct {
		name   string
		addr   string
		change func(*config.Config)
		want   bool
	}{
		{"a public address", "0.0.0.0:0", func(*config.Config) {}, true},
		{"this host", "127.0.0.1:0", func(*config.Config) {}, false},
		{"passwords in clear are allowed", "0.0.0.0:0", func(c *config.Config) { c.InsecureLogin = true }, false},
		{"only redirects", "0.0.0.0:0", func(c *config.Config) { c.HTTPSRedirect = true }, false},
		{"no users", "0.0.0.0:0", func(c *config.Config) { c.Users = nil }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newReloadTest(t, confWith(t, aliceTable, tt.change))
			ln, err := net.Listen("tcp4", tt.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			d.listeners = map[string][]net.Listener{"http": {ln}}
			d.warnLogins()
			d.daemon.log.Flush()
			if got := strings.Contains(d.log.String(), "--insecure-login"); got != tt.want {
				t.Errorf("got the log %s", d.log.String())
			}
		})
	}
}

func TestAReloadWithTheFirstUsersSaysWhatWaits(t *testing.T) {
	r := newReloadTest(t, confWith(t, "", nil))
	log, err := r.again(confWith(t, aliceTable, nil))
	if err != nil || !strings.Contains(log, "by HTTP at the next start") {
		t.Errorf("%v, %s", err, log)
	}
}
