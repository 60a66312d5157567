package daemon

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// request makes an HTTP request with a body as user; "" is a guest.
func (d *loginTest) request(t *testing.T, user, method, target, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.http+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, "secret")
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// command sends an FTP command as user, and data to the data connection if there is any.
// It reports whether the server has carried it out.
func (d *loginTest) command(t *testing.T, user, command, data string) bool {
	t.Helper()
	c := d.logInFTP(t, user)
	if data == "" {
		if err := c.PrintfLine("%s", command); err != nil {
			t.Fatal(err)
		}
		_, _, err := c.ReadResponse(250)
		return err == nil
	}
	peer, ok := c.begin(t, command)
	if !ok {
		return false
	}
	if _, err := io.WriteString(peer, data); err != nil {
		t.Fatal(err)
	}
	_ = peer.Close()
	c.expect(t, 226, command)
	return true
}

func TestAnAccountChangesTheSameByFTPAndHTTP(t *testing.T) {
	all := []string{"create", "change", "delete"}
	rights := make(map[string][]string) // by user
	tables := tableOf("home", `home = "/alice"`+"\n"+`rights = ["read", "create"]`)
	for set := range 1 << len(all) {
		names := []string{"read"}
		for i, right := range all {
			if set&(1<<i) != 0 {
				names = append(names, right)
			}
		}
		user := strings.Join(names, "-")
		rights[user] = names
		tables += tableOf(user, `rights = ["`+strings.Join(names, `", "`)+`"]`)
	}
	d := newLoginTest(t, confWith(t, tables, nil))
	file := filepath.Join(d.dir, "f")
	state := func() string {
		content, err := os.ReadFile(file)
		if err != nil {
			return "missing"
		}
		return string(content)
	}
	for user, names := range rights {
		for _, tt := range []struct {
			right, before         string // before is the content of the file; "": none
			method, ftp, data     string
			after                 string // if the change is allowed
			unchangedIfNotAllowed string
		}{
			{"create", "", "PUT", "STOR /f", "new", "new", "missing"},
			{"change", "old", "PUT", "STOR /f", "new", "new", "old"},
			{"delete", "old", "DELETE", "DELE /f", "", "missing", "old"},
		} {
			want := tt.unchangedIfNotAllowed
			if slices.Contains(names, tt.right) {
				want = tt.after
			}
			for protocol, change := range map[string]func() bool{
				"HTTP": func() bool { return d.request(t, user, tt.method, "/f", tt.data) < 300 },
				"FTP":  func() bool { return d.command(t, user, tt.ftp, tt.data) },
			} {
				_ = os.Remove(file)
				if tt.before != "" {
					d.write(t, map[string]string{"f": tt.before})
				}
				if got := change(); got != (want == tt.after) {
					t.Errorf("%s, %s of %q by %s: allowed %v", user, tt.method, tt.before, protocol, got)
				}
				if got := state(); got != want {
					t.Errorf("%s, %s of %q by %s: the file is %q, want %q", user, tt.method, tt.before, protocol, got, want)
				}
			}
		}
	}

	d.write(t, map[string]string{"alice/x": "x"})
	if got := d.request(t, "home", "PUT", "/mine", "content"); got != 201 {
		t.Errorf("PUT below a home: %d", got)
	}
	if content, err := os.ReadFile(filepath.Join(d.dir, "alice", "mine")); string(content) != "content" {
		t.Errorf("the home has %q, %v", content, err)
	}
}

func TestGuestsAreAskedForAPasswordToChangeFiles(t *testing.T) {
	for _, tt := range []struct {
		name, tables string
		want         int
	}{
		{"if users may change files", tableOf("alice", `rights = ["read", "create"]`), 401},
		{"but not if nobody can log in", "", 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newLoginTest(t, confWith(t, tt.tables, nil))
			for _, method := range []string{"PUT", "DELETE", "POST", "PATCH"} {
				if got := d.request(t, "", method, "/f", ""); got != tt.want {
					t.Errorf("%s: got %d, want %d", method, got, tt.want)
				}
			}
			want := tt.want
			if want == 405 {
				want = 200 // of the directory
			}
			if got := d.request(t, "", "HEAD", "/?upload=x", ""); got != want {
				t.Errorf("HEAD of an upload: got %d, want %d", got, want)
			}
			if got := d.request(t, "", "MKCOL", "/f", ""); got != 405 {
				t.Errorf("MKCOL: got %d, want 405", got)
			}
		})
	}
}
