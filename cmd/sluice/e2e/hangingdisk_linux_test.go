//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// request requests a file by HTTP and by FTP, and does not wait for the responses.
func (s *server) request(file string) {
	s.t.Helper()
	conn, err := dial(s.t.Context(), s.http.Host)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", file); err != nil {
		s.t.Fatal(err)
	}
	c, err := dialFTP(s.t.Context(), s.ftp.Host, "", "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.conn.Close() })
	if _, err := fmt.Fprintf(c.conn, "SIZE %s\r\n", file); err != nil {
		s.t.Fatal(err)
	}
}

// faults-http.md, H12. The kernel does not end a call that waits for a FUSE file system.
// After the program has ended, a thread with such a call remains, and the program is a
// zombie.
func TestTheProgramEndsDespiteAHangingDisk(t *testing.T) {
	for _, tt := range []struct {
		name    string
		drain   string
		signals int
		within  time.Duration
	}{
		{"after the drain", "500ms", 1, 500*time.Millisecond + exitTime},
		{"at a second signal", "1h", 2, exitTime},
		{"at once at a third signal", "1h", 3, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			disk := mountDisk(t, dir)
			s := startUnder(t, nil, dir, "--drain", tt.drain)
			if resp, err := http.Get(s.urlOf("http", "file")); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp, err)
			}
			disk.Hang()
			s.request("open-x")
			eventually(t, "a call hangs", func() bool { return disk.Hung() > 0 })
			s.signalAndWait(syscall.SIGTERM)
			for range tt.signals - 1 {
				s.signal(syscall.SIGTERM)
				s.log.await(1, patience, func(line string) bool { return strings.Contains(line, "unfinished") }) // two signals at the same time would count as one
			}
			begin := time.Now()
			eventually(t, "the program has ended", func() bool {
				stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Pid))
				return err != nil || strings.Contains(string(stat), ") Z ")
			})
			if took := time.Since(begin); took > tt.within {
				t.Errorf("the program ended after %v, want at most %v", took, tt.within)
			}
			wantRefused(t, s.http.Host)
			wantRefused(t, s.ftp.Host)
			disk.Answer()
			s.wantExit(exitTime)
			s.wantLogged("level=WARN", "answer:", "it\"")
		})
	}
}
