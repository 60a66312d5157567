package daemon

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/config"
	"sluice/internal/nettest"
)

// dav sends a request of WebDAV as user. Header is pairs of name and value.
func (d *loginTest) dav(t *testing.T, user, method, target, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.http+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, "secret")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

const exclusiveLock = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>`

func withWebDAV(c *config.Config) { c.WebDAV = true }

func TestALockOfWebDAVHoldsAgainstFTP(t *testing.T) {
	if nettest.OnWine() {
		t.Skip("wine 8 lacks FileDispositionInformationEx, which os.Root needs to remove files")
	}
	d := newLoginTest(t, confWith(t, tableOf("alice", `home = "/alice"`, `rights = ["all"]`)+tableOf("bob", `rights = ["all"]`), withWebDAV))
	d.write(t, map[string]string{"alice/f": "old", "alice/g": "g"})
	resp := d.dav(t, "alice", "LOCK", "/f", exclusiveLock)
	token := resp.Header.Get("Lock-Token")
	if resp.StatusCode != 200 || token == "" {
		t.Fatalf("LOCK: %d %v", resp.StatusCode, resp.Header)
	}
	dirs := map[string]string{"bob": "/alice/", "alice": "/"}
	for user, dir := range dirs { // alice's FTP client does not know the token
		c := d.logInFTP(t, user)
		for _, command := range []string{"DELE " + dir + "f", "MFMT 20200101000000 " + dir + "f", "SITE CHMOD 600 " + dir + "f"} {
			c.cmd(t, 450, command)
		}
		c.cmd(t, 350, "RNFR "+dir+"f")
		c.cmd(t, 450, "RNTO "+dir+"h")
		c.cmd(t, 350, "RNFR "+dir+"g")
		c.cmd(t, 450, "RNTO "+dir+"f")
		for _, command := range []string{"STOR " + dir + "f", "APPE " + dir + "f"} {
			if err := c.PrintfLine("EPSV"); err != nil {
				t.Fatal(err)
			}
			c.expect(t, 229, "EPSV")
			if err := c.PrintfLine("%s", command); err != nil {
				t.Fatal(err)
			}
			c.expect(t, 450, command)
		}
	}
	if content, err := os.ReadFile(filepath.Join(d.dir, "alice", "f")); string(content) != "old" {
		t.Errorf("the file is %q (%v)", content, err)
	}
	if got := d.request(t, "bob", "PUT", "/alice/f", "new"); got != 423 {
		t.Errorf("PUT by bob: %d, want 423", got)
	}
	if resp := d.dav(t, "alice", "UNLOCK", "/f", "", "Lock-Token", token); resp.StatusCode != 204 {
		t.Errorf("UNLOCK: %d", resp.StatusCode)
	}
	if !d.command(t, "bob", "DELE /alice/f", "") {
		t.Error("FTP cannot remove the file after UNLOCK")
	}
}

// A user may do by WebDAV what its rights allow by FTP.
func TestAnAccountDoesTheSameByFTPAndWebDAV(t *testing.T) {
	if nettest.OnWine() {
		t.Skip("wine 8 lacks FileDispositionInformationEx, which os.Root needs to remove files")
	}
	all := []string{"create", "change", "delete", "rename"}
	tables := ""
	for _, right := range all {
		tables += tableOf(right, `rights = ["list", "read", "`+right+`"]`)
	}
	d := newLoginTest(t, confWith(t, tables+tableOf("reader", `rights = ["list", "read"]`), withWebDAV))
	for _, tt := range []struct {
		right, method, header string
		ftp                   []string
	}{
		{"create", "MKCOL /new", "", []string{"MKD /new"}},
		{"delete", "DELETE /d/f", "", []string{"DELE /d/f"}},
		{"delete", "DELETE /empty", "", []string{"RMD /empty"}},
		{"rename", "MOVE /d/f", "/new", []string{"RNFR /d/f", "RNTO /new"}},
		{"rename", "MOVE /d", "/new", []string{"RNFR /d", "RNTO /new"}},
	} {
		for _, user := range append(all, "reader") {
			allowed := map[string]bool{}
			for protocol, change := range map[string]func(){
				"WebDAV": func() {
					method, target, _ := strings.Cut(tt.method, " ")
					d.dav(t, user, method, target, "", "Destination", tt.header)
				},
				"FTP": func() {
					c := d.logInFTP(t, user)
					for _, command := range tt.ftp {
						if err := c.PrintfLine("%s", command); err != nil {
							t.Fatal(err)
						}
						_, _, _ = c.ReadResponse(0) // the tree says whether it was carried out
					}
				},
			} {
				for _, name := range []string{"new", "d", "empty"} {
					if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
						t.Fatal(err)
					}
				}
				d.write(t, map[string]string{"d/f": "old"})
				if err := os.Mkdir(filepath.Join(d.dir, "empty"), 0o755); err != nil {
					t.Fatal(err)
				}
				before := treeOf(t, d.dir)
				change()
				allowed[protocol] = treeOf(t, d.dir) != before
			}
			if want := user == tt.right; allowed["WebDAV"] != want || allowed["FTP"] != want {
				t.Errorf("%s by %s: carried out %v, want %v", tt.method, user, allowed, want)
			}
		}
	}
}

// treeOf returns the names in a directory.
func treeOf(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		all = append(all, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

func TestWebDAVIsOffUnlessWanted(t *testing.T) {
	for _, on := range []bool{false, true} {
		d := newLoginTest(t, confWith(t, tableOf("alice"), func(c *config.Config) { c.WebDAV = on }))
		for _, user := range []string{"", "alice"} {
			options := d.dav(t, user, "OPTIONS", "/", "")
			find := d.dav(t, user, "PROPFIND", "/", "", "Depth", "0")
			if got := options.Header.Get("Dav") != ""; got != on {
				t.Errorf("on %v: OPTIONS by %q announces it: %v", on, user, got)
			}
			if got := find.StatusCode == 207; got != on {
				t.Errorf("on %v: PROPFIND by %q is answered %d", on, user, find.StatusCode)
			}
		}
	}
}
