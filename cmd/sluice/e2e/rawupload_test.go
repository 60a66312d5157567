//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/nettest"
)

// The second user of startForTwo, who may write too.
const (
	otherUser  = "v"
	otherLogin = otherUser + ":" + password
)

// loginAs connects and logs in; an empty name means anonymous. The connection is closed at
// the end of the test.
func (s *server) loginAs(name string) *ftpClient {
	s.t.Helper()
	c, err := dialFTP(s.t.Context(), s.ftp.Host, name, password)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.conn.Close() })
	return c
}

// begin starts an upload and sends the bytes of the pattern from off to end. The data
// connection stays open until the end of the test.
func (c *ftpClient) begin(t *testing.T, line string, off, end int64) *net.TCPConn {
	t.Helper()
	data, err := c.transfer(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = data.Close() })
	if err := sendPattern(data, off, end); err != nil {
		t.Fatal(err)
	}
	return data
}

// put uploads the bytes of the pattern from off to end, as far as the server accepts them,
// and returns the last reply.
func (c *ftpClient) put(t *testing.T, line string, off, end int64) (reply string) {
	t.Helper()
	data, err := c.transfer(t.Context(), line)
	if err != nil {
		t.Fatal(err)
	}
	_ = sendPattern(data, off, end) // fails if the server ends the upload early
	_ = data.Close()
	if reply, err = c.reply(); err != nil {
		t.Fatal(err)
	}
	return reply
}

// wantPut is put for an upload whose last reply must have this code.
func (c *ftpClient) wantPut(t *testing.T, code int, line string, off, end int64) (reply string) {
	t.Helper()
	reply = c.put(t, line, off, end)
	if !strings.HasPrefix(reply, fmt.Sprint(code)) {
		t.Fatalf("%s of %d bytes: reply %q, want %d", line, end-off, reply, code)
	}
	return reply
}

func sendPattern(w io.Writer, off, end int64) error {
	_, err := io.Copy(w, io.NewSectionReader(nettest.Pattern(end).(io.ReaderAt), off, end-off))
	return err
}

// replyTo sends a command and returns everything that the server sends for it, cut to 1000
// bytes.
func (c *ftpClient) replyTo(t *testing.T, line string) string {
	t.Helper()
	reply, err := c.exchange(t.Context(), line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return reply[:min(len(reply), 1000)]
}

// wantSize checks that SIZE returns n, or 550 if n is 0.
func (c *ftpClient) wantSize(t *testing.T, n int64, name string) {
	t.Helper()
	want := fmt.Sprintf("213 %d\r\n", n)
	if n == 0 {
		want = "550 "
	}
	if got := c.replyTo(t, "SIZE "+name); !strings.HasPrefix(got, want) {
		t.Errorf("SIZE %s: %q, want %q", name, got, want)
	}
}

// wantNoFile checks that no FTP command and no HTTP request finds a file of this name. The
// name must not be a part of another name in the directory.
func (s *server) wantNoFile(c *ftpClient, name string) {
	s.t.Helper()
	dir, base := filepath.Split(name)
	for _, line := range []string{"LIST", "LIST -a", "NLST", "MLSD"} {
		switch got := c.replyTo(s.t, line+" "+dir); {
		case !strings.HasPrefix(got, "150"):
			s.t.Errorf("%s: %q", line, got)
		case strings.Contains(got, base), strings.Contains(got, "sluice-part"):
			s.t.Errorf("%s shows %q", line, got)
		}
	}
	for _, line := range []string{"MLST ", "MDTM ", "RETR ", "CWD "} {
		if got := c.replyTo(s.t, line+name); !strings.HasPrefix(got, "550 ") {
			s.t.Errorf("%s: %q, want 550", line+name, got)
		}
	}
	for path, status := range map[string]int{name: http.StatusNotFound, dir: http.StatusOK} {
		resp, err := http.Get(s.urlOf("http", path))
		if err != nil {
			s.t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body) // the part before an error counts too
		_ = resp.Body.Close()
		if resp.StatusCode != status || status == http.StatusOK && strings.Contains(string(body), base) {
			s.t.Errorf("GET %s: %s\n%s", path, resp.Status, body)
		}
	}
}

// partsIn returns the hidden files of incomplete uploads in a directory.
func partsIn(t *testing.T, dir string) []string {
	t.Helper()
	parts, err := filepath.Glob(filepath.Join(dir, ".*.sluice-part"))
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// awaitPartOf waits until the only incomplete upload in a directory has n bytes.
func awaitPartOf(t *testing.T, dir string, n int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d bytes of an upload have arrived", n), func() bool {
		parts := partsIn(t, dir)
		if len(parts) != 1 {
			return false
		}
		info, err := os.Stat(parts[0])
		return err == nil && info.Size() == n
	})
}

// crash kills the program by SIGKILL.
func (s *server) crash() {
	s.t.Helper()
	s.checked = true
	s.signal(syscall.SIGKILL)
	<-s.exited
}
