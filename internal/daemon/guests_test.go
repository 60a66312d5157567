package daemon

import (
	"io"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/config"
	"sluice/internal/nettest"
)

// longContent is more than the quota of some guests.
const longContent = "more than ten bytes"

// guestByFTP does something in a directory as the user anonymous, and reports whether the
// server lets it.
func (d *loginTest) guestByFTP(t *testing.T, what, dir string) bool {
	t.Helper()
	conn, err := textproto.Dial("tcp", d.ftp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &ftpConn{conn}
	c.expect(t, 220, "")
	c.cmd(t, 331, "USER anonymous")
	if err := c.PrintfLine("PASS x"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadResponse(230); err != nil {
		return false
	}
	simple := func(code int, command string) bool {
		if err := c.PrintfLine("%s", command); err != nil {
			t.Fatal(err)
		}
		_, _, err := c.ReadResponse(code)
		return err == nil
	}
	receives := func(command, want string) bool {
		peer, ok := c.begin(t, command)
		if !ok {
			return false
		}
		data, err := io.ReadAll(peer)
		return err == nil && strings.Contains(string(data), want)
	}
	sends := func(command string) bool {
		peer, ok := c.begin(t, command)
		if !ok {
			return false
		}
		_, _ = io.WriteString(peer, longContent) // of a refused upload it may fail
		_ = peer.Close()
		_, _, err := c.ReadResponse(226)
		return err == nil
	}
	switch what {
	case "list":
		return receives("LIST "+dir, "f")
	case "read":
		return receives("RETR "+dir+"f", "content")
	case "make":
		return sends("STOR " + dir + "new")
	case "replace":
		return sends("STOR " + dir + "f")
	case "delete":
		return simple(250, "DELE "+dir+"f")
	case "make a directory":
		return simple(257, "MKD "+dir+"dir")
	}
	t.Fatalf("%s: no such request", what)
	return false
}

// guestByHTTP is guestByFTP by HTTP and WebDAV, as the given user; "": without a login.
func (d *loginTest) guestByHTTP(t *testing.T, user, what, dir string) bool {
	t.Helper()
	succeeds := func(method, target, body string) bool { return d.request(t, user, method, target, body) < 300 }
	switch what {
	case "list":
		status, body := d.get(t, user, dir)
		isListed := status == http.StatusOK && strings.Contains(body, `"name":"f"`)
		if d.conf.WebDAV && strings.Contains(d.find(t, user, dir), dir+"f</D:href>") != isListed {
			t.Errorf("listed by GET: %v, and not so by PROPFIND", isListed)
		}
		return isListed
	case "read":
		status, body := d.get(t, user, dir+"f")
		return status == http.StatusOK && body == "content"
	case "make":
		return succeeds("PUT", dir+"new", longContent)
	case "replace":
		return succeeds("PUT", dir+"f", longContent)
	case "delete":
		return succeeds("DELETE", dir+"f", "")
	case "make a directory":
		return succeeds("MKCOL", dir+"dir", "")
	}
	t.Fatalf("%s: no such request", what)
	return false
}

// find returns the answer to PROPFIND for a directory.
func (d *loginTest) find(t *testing.T, user, dir string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "PROPFIND", "http://"+d.http+dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Depth", "1")
	if user != "" {
		r.SetBasicAuth(user, "secret")
	}
	_, body := nettest.Exchange(t, http.DefaultTransport.RoundTrip, r)
	return body
}

// Guests may do the same by every way, and never change what is there.
func TestWhatGuestsMayDo(t *testing.T) {
	all := []string{"list", "read", "make", "replace", "delete", "make a directory"}
	reading := all[:2]
	off := func(c *config.Config) { c.Anonymous = false }
	for _, tt := range []struct {
		name   string
		table  string // of anonymous
		change func(*config.Config)
		dir    string // in which they try it; "": /
		files  string // the same directory for the operator
		may    []string
	}{
		{"by default", "", nil, "", "/", reading},
		{"with --anonymous=false", "rights = ['list', 'read', 'create']", off, "", "/", nil},
		{"with --anonymous=false and rights by path", "[[user.anonymous.path]]\npath = '/in'\nrights = ['create']", off, "/in/", "/in/", nil},
		{"from a network", "networks = ['127.0.0.0/8']", nil, "", "/", reading},
		{"from another network", "networks = ['192.0.2.0/24']\nrights = ['list', 'read', 'create']", nil, "", "/", nil},
		{"without rights", "rights = []", nil, "", "/", nil},
		{"who may read", "rights = ['read']", nil, "", "/", []string{"read"}},
		{"who may list", "rights = ['list']", nil, "", "/", []string{"list"}},
		{"who may make files", "rights = ['list', 'read', 'create']", nil, "", "/", []string{"list", "read", "make", "make a directory"}},
		{"with a drop box", "rights = ['create']", nil, "", "/", []string{"make", "replace"}}, // under a free name
		{"with a home", "home = '/pub'", nil, "", "/pub/", reading},
		{"outside of their home", "home = '/pub'", nil, "/pub/", "/pub/", nil},
		{"whose home is missing", "home = '/none'", nil, "", "/", nil},
		{"with a drop box at a path", "[[user.anonymous.path]]\npath = '/in'\nrights = ['create']", nil, "/in/", "/in/", []string{"make", "replace"}},
		{"besides that path", "[[user.anonymous.path]]\npath = '/in'\nrights = ['create']", nil, "", "/", reading},
		{"at a hidden path", "[[user.anonymous.path]]\npath = '/in'\nrights = []", nil, "/in/", "/in/", nil},
		{"with a quota", "rights = ['read', 'create']\nquota = 10\nhome = '/pub'", nil, "", "/pub/", []string{"read", "make a directory"}},
		{"with a larger quota", "rights = ['read', 'create']\nquota = 1000\nhome = '/pub'", nil, "", "/pub/", []string{"read", "make", "make a directory"}},
		{"with the quota of all users", "rights = ['create']\nhome = '/pub'", func(c *config.Config) { c.Quota.Bytes = 10 }, "", "/pub/", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newLoginTest(t, confWith(t, aliceTable+"[user.anonymous]\n"+tt.table+"\n", func(c *config.Config) {
				c.WebDAV, c.Durability = true, "none"
				if tt.change != nil {
					tt.change(c)
				}
			}))
			d.users.Throttle().FirstDelay = time.Millisecond
			files := map[string]string{"f": "content", "pub/f": "content", "in/f": "content"}
			d.write(t, files)
			d.updatePages() // the home exists now
			ways := map[string]func(what, dir string) bool{
				"FTP":               func(what, dir string) bool { return d.guestByFTP(t, what, dir) },
				"HTTP":              func(what, dir string) bool { return d.guestByHTTP(t, "", what, dir) },
				"HTTP as anonymous": func(what, dir string) bool { return d.guestByHTTP(t, "anonymous", what, dir) },
			}
			dir := tt.dir
			if dir == "" {
				dir = "/"
			}
			for _, what := range all {
				for way, do := range ways {
					if tt.may == nil && way == "HTTP as anonymous" && what != "read" {
						continue // a login that fails takes a second
					}
					for _, name := range []string{"new", "f (2)", "dir"} {
						if err := os.RemoveAll(filepath.Join(d.dir, tt.files, name)); err != nil {
							t.Fatal(err)
						}
					}
					d.write(t, files)
					d.volume(d.root.tree()).Recount() // of what was changed besides the server
					if got, want := do(what, dir), slices.Contains(tt.may, what); got != want {
						t.Errorf("%s by %s: got %v, want %v", what, way, got, want)
					}
					if content, err := os.ReadFile(filepath.Join(d.dir, tt.files, "f")); string(content) != "content" {
						t.Errorf("%s by %s: the file has become %q, %v", what, way, content, err)
					}
				}
			}
			if cookie := d.logInByPage(t, "anonymous", "x"); cookie != "" {
				t.Error("a guest has a session")
			}
		})
	}
}
