package daemon

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/nettest/s3store"
)

// Each request to a store takes time and costs money. docs/object-store.md has these numbers.
func TestRequestsCostFewRequestsToTheStore(t *testing.T) {
	store := s3store.New(t, "dir/a.txt", "dir/sub/b")
	d := newBucketTest(t, store, tableOf("alice"))
	c := d.logInFTP(t, "alice")
	c.cmd(t, 200, "TYPE I")
	d.exchange(t, "GET", "/") // once, it is found out which names the file system takes
	for _, tt := range []struct {
		name             string
		do               func()
		heads, gets, all int
	}{
		{"a file by HTTP", func() { d.exchange(t, "GET", "/dir/a.txt") }, 0, 1, 1},
		{"its head", func() { d.exchange(t, "HEAD", "/dir/a.txt") }, 1, 0, 1},
		{"a missing file", func() { d.exchange(t, "GET", "/dir/none") }, 0, 1, 2},
		{"a directory", func() { d.alone(t, "/dir/") }, 3, 0, 7},
		{"the root", func() { d.alone(t, "/") }, 1, 0, 3},
		{"a file by FTP", func() { d.read(t, c, "RETR dir/a.txt") }, 0, 1, 1},
		{"a directory by FTP", func() { d.read(t, c, "MLSD dir") }, 2, 0, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store.Forget()
			tt.do()
			requests := store.Forget()
			count := func(prefix string) (n int) {
				for _, r := range requests {
					if strings.HasPrefix(r, prefix) {
						n++
					}
				}
				return n
			}
			if count("HEAD ") != tt.heads || count("GET dir/") != tt.gets || len(requests) != tt.all {
				t.Errorf("the store was asked for\n%s\nwant %d HEAD, %d GET, %d in all", strings.Join(requests, "\n"), tt.heads, tt.gets, tt.all)
			}
		})
	}
}

// read sends a command with a data connection, and takes the data.
func (d *loginTest) read(t *testing.T, c *ftpConn, command string) {
	t.Helper()
	peer, ok := c.begin(t, command)
	if !ok {
		t.Fatalf("%s is refused", command)
	}
	if _, err := io.Copy(io.Discard, peer); err != nil {
		t.Fatal(err)
	}
	_ = peer.Close()
	c.expect(t, 226, command)
}

// alone requests target on a connection of its own, which nothing has been handed over to net/http yet.
func (d *loginTest) alone(t *testing.T, target string) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	if resp, _ := d.exchange(t, "GET", target); resp.StatusCode != 200 {
		t.Fatalf("got %d", resp.StatusCode)
	}
}
