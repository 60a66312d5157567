//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A client that is killed half-way has published nothing: the kernel ends its data
// connection as if all had gone.
func TestTheUploadOfAClientThatIsKilledIsNotPublished(t *testing.T) {
	const size, times = 20 << 20, 10
	certificate := newPair(t).flags()
	for _, tt := range []struct {
		name   string
		flags  []string
		client []string // gets the URL, and the file as its standard input
		signal syscall.Signal
	}{
		{"curl by SIGKILL", nil, []string{"curl", "-sS", "--limit-rate", "20M", "-T", "-"}, syscall.SIGKILL},
		{"curl by Ctrl-C", nil, []string{"curl", "-sS", "--limit-rate", "20M", "-T", "-"}, syscall.SIGINT},
		{"curl at full speed by SIGKILL", nil, []string{"curl", "-sS", "-T", "-"}, syscall.SIGKILL},
		{"curl with TLS by SIGKILL", certificate, []string{"curl", "-sS", "--ssl-reqd", "-k", "--limit-rate", "20M", "-T", "-"}, syscall.SIGKILL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			needs(t, tt.client[0])
			s := startWritable(t, append([]string{"--ftp-keep-partials", "0"}, tt.flags...)...)
			dir := t.TempDir()
			writePattern(t, filepath.Join(dir, "up"), size)
			target := filepath.Join(s.dir, "f")
			for i := range times {
				if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
					t.Fatal(err)
				}
				in, err := os.Open(filepath.Join(dir, "up"))
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(tt.client[0], append(tt.client[1:], "ftp://"+user+":"+password+"@"+s.ftp.Host+"/f")...)
				cmd.Stdin = in
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				s.awaitPart()
				time.Sleep(time.Duration(7*i) * time.Millisecond) // somewhere in it
				_ = cmd.Process.Signal(tt.signal)
				whole := cmd.Wait() == nil // it was through before
				_ = in.Close()
				s.wantLoggedTimes(i+1, "op=STOR")
				got, err := os.ReadFile(target)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(got); n != size && (string(got) != "old" || whole) {
					t.Fatalf("try %d: f has %d bytes, of which the client knows that they are all: %v\n%s", i, n, whole, strings.TrimSpace(s.log.String()))
				}
			}
		})
	}
}

// awaitPart waits until an upload has begun.
func (s *server) awaitPart() {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		entries, err := os.ReadDir(s.dir)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, entry := range entries {
			if strings.HasSuffix(entry.Name(), ".sluice-part") {
				return
			}
		}
	}
	s.t.Fatal("no upload begins")
}
