package daemon

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sluice/internal/config"
	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// store uploads n bytes by FTP and returns the code of the last reply.
func (d *loginTest) store(t *testing.T, user, name string, n int) int {
	t.Helper()
	c := d.logInFTP(t, user)
	c.cmd(t, 200, "TYPE I")
	peer, ok := c.begin(t, "STOR "+name)
	if !ok {
		t.Fatal("STOR was refused")
	}
	_, _ = fmt.Fprint(peer, strings.Repeat("x", n)) // the server may refuse the rest
	_ = peer.Close()
	code, _, err := c.ReadResponse(0)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// put uploads n bytes by HTTP and returns the status.
func (d *loginTest) put(t *testing.T, user, name string, n int) int {
	t.Helper()
	return d.request(t, user, "PUT", name, strings.Repeat("x", n))
}

func TestAQuotaIsTheSameByFTPAndHTTP(t *testing.T) {
	all := `rights = ["all"]` + "\n" + `home = "/alice"`
	d := newLoginTest(t, confWith(t, tableOf("alice", all, "quota = 1000")+tableOf("bob", all, "quota = 2000")+tableOf("root", `rights = ["all"]`), nil))
	d.write(t, map[string]string{"alice/old": strings.Repeat("x", 100)})
	d.countHomes()
	for i, tt := range []struct {
		what      string
		got, want int
	}{
		{"a file by HTTP", d.put(t, "alice", "/h", 500), 201},
		{"a file by FTP that does not fit", d.store(t, "alice", "/f", 401), 452},
		{"a file by FTP that fits", d.store(t, "alice", "/f", 400), 226},
		{"a file by HTTP that does not fit", d.put(t, "alice", "/g", 1), 507},
		{"a file that never fits, by HTTP", d.put(t, "alice", "/g", 1001), 413},
		{"a file in place of another, by HTTP", d.put(t, "alice", "/f", 400), 204},
		{"a file of another user of the home", d.put(t, "bob", "/b", 900), 201},
		{"another one by FTP", d.store(t, "bob", "/c", 101), 452},
		{"a user without a quota", d.put(t, "root", "/alice/r", 5000), 201},
		{"the user below a full home", d.store(t, "bob", "/c", 1), 452},
		{"a removal", d.request(t, "root", "DELETE", "/alice/r", ""), 204},
		{"the room that this has freed", d.put(t, "bob", "/c", 100), 201},
	} {
		if tt.got != tt.want {
			t.Errorf("step %d, %s: %d, want %d", i, tt.what, tt.got, tt.want)
		}
	}
	if n := d.refusedUploads()["quota-bytes"]; n != 5 {
		t.Errorf("%d refusals are counted, want 5", n)
	}
}

func TestTheLargestFileIsTheSameByFTPAndHTTP(t *testing.T) {
	all := `rights = ["all"]`
	d := newLoginTest(t, confWith(t, tableOf("alice", all)+tableOf("bob", all, "max-file-size = 2000"), func(c *config.Config) {
		c.Quota.File = 1000
	}))
	for i, tt := range []struct {
		what      string
		got, want int
	}{
		{"the largest file by HTTP", d.put(t, "alice", "/h", 1000), 201},
		{"a larger one by HTTP", d.put(t, "alice", "/g", 1001), 413},
		{"the largest file by FTP", d.store(t, "alice", "/f", 1000), 226},
		{"a larger one by FTP", d.store(t, "alice", "/g", 1001), 552},
		{"one of a user with a limit of its own", d.put(t, "bob", "/b", 2000), 201},
		{"a larger one of that user", d.put(t, "bob", "/b", 2001), 413},
	} {
		if tt.got != tt.want {
			t.Errorf("step %d, %s: %d, want %d", i, tt.what, tt.got, tt.want)
		}
	}
}

func TestAReloadChangesQuotas(t *testing.T) {
	table := func(quota string) config.Config {
		return confWith(t, tableOf("alice", `rights = ["all"]`, quota), func(c *config.Config) { c.Anonymous = false })
	}
	d := newLoginTest(t, table(""))
	if got := d.put(t, "alice", "/f", 500); got != 201 {
		t.Errorf("without a quota: %d", got)
	}
	for quota, want := range map[string]int{"quota = 100": 413, "quota = 600": 507, "quota = 800": 204, "quota-files = 5": 204, "": 204} {
		if _, err := d.again(table(quota)); err != nil {
			t.Fatal(err)
		}
		d.put(t, "alice", "/g", 10)
		if got := d.put(t, "alice", "/g", 200); got != want {
			t.Errorf("%q: %d, want %d", quota, got, want)
		}
	}
}

func TestQuotasFollowTheServedDirectory(t *testing.T) {
	d := newLoginTest(t, confWith(t, tableOf("alice", `rights = ["all"]`, "quota = 1000"), nil))
	if got := d.put(t, "alice", "/f", 600); got != 201 {
		t.Fatalf("got %d", got)
	}
	if err := os.Rename(d.dir, d.dir+".old"); err != nil {
		t.Skip("an open directory cannot be replaced here:", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(d.dir + ".old") })
	d.write(t, map[string]string{"f": strings.Repeat("x", 300)})
	before := d.root.tree().(*vfs.Root)
	t.Cleanup(func() { _ = before.Close() })
	d.root.(*servedRoot).name = d.dir
	if d.root.update(d.logger) == nil {
		t.Fatal("the new directory is not seen")
	}
	if got := d.put(t, "alice", "/g", 701); got != 507 {
		t.Errorf("got %d, want 507", got)
	}
	if got := d.put(t, "alice", "/g", 700); got != 201 {
		t.Errorf("got %d, want 201", got)
	}
}

// Recounts are for changes by other programs, which the operator may ask for.
func TestSIGHUPCountsAgain(t *testing.T) {
	conf := confWith(t, tableOf("alice", `rights = ["all"]`, "quota = 1000"), nil)
	d := newLoginTest(t, conf)
	if got := d.put(t, "alice", "/f", 1); got != 201 {
		t.Fatalf("got %d", got)
	}
	d.write(t, map[string]string{"by-others": strings.Repeat("x", 900)})
	if _, err := d.again(conf); err != nil {
		t.Fatal(err)
	}
	quota.Settle(d.volume(d.root.tree()))
	if got := d.put(t, "alice", "/g", 100); got != 507 {
		t.Errorf("got %d, want 507", got)
	}
}
