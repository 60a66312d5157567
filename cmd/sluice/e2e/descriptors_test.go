//go:build e2e && unix

package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// A server at its limit of open files answers new clients with 503, continues to serve
// the others, and recovers.
func TestAServerWithoutFreeDescriptorsRecovers(t *testing.T) {
	const most = 64
	s := startUnder(t, []string{"sh", "-c", `ulimit -n ` + strconv.Itoa(most) + `; exec "$0" "$@"`}, t.TempDir())
	s.file("small", 1000)
	s.file("large", large)

	var held []net.Conn
	busy := 0
	for range 2 * most {
		c, status := getOnNewConn(t, s.http.Host, "/small")
		defer c.Close()
		switch status {
		case "200":
			held = append(held, c)
		case "503":
			busy++
			_ = c.Close()
		default:
			t.Fatalf("got status %q, want 200 or 503", status)
		}
	}
	if len(held) < most/2 || busy < most {
		t.Errorf("%d clients were served and %d got 503, want at least %d and %d", len(held), busy, most/2, most)
	}
	if status := getOnConn(t, held[0], "/large"); status != "200" {
		t.Errorf("a client on an old connection got status %q, want 200", status)
	}
	for _, c := range held {
		_ = c.Close()
	}
	fetch := func(name string) string {
		t.Helper()
		return run(t, t.TempDir(), "curl", "-sS", "-o", "f", "-w", "%{http_code} %{size_download}", s.urlOf("http", name))
	}
	eventually(t, "new clients are served again", func() bool { return fetch("small") == "200 1000" })
	if got, want := fetch("large"), "200 "+strconv.Itoa(large); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// getOnNewConn requests a file on a new connection, which stays open, and returns the
// status of the response.
func getOnNewConn(t *testing.T, host, target string) (net.Conn, string) {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	return c, getOnConn(t, c, target)
}

// getOnConn requests a file on c and returns the status of the response.
func getOnConn(t *testing.T, c net.Conn, target string) string {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != resp.ContentLength {
		t.Errorf("%s: got %d bytes, %v, want %d", target, n, err, resp.ContentLength)
	}
	return strconv.Itoa(resp.StatusCode)
}
