//go:build e2e

package e2e

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// What systemd is told, sd_notify(3), is when clients can come, and what becomes
// of a reload, good or bad.
func TestSystemdIsTold(t *testing.T) {
	addr := &net.UnixAddr{Net: "unixgram", Name: filepath.Join(t.TempDir(), "notify")}
	manager, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	told := func(want string) {
		t.Helper()
		if err := manager.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1024)
		n, err := manager.Read(b)
		if got := string(b[:n]); got != want {
			t.Fatalf("told %q, %v, want %q", got, err, want)
		}
	}

	conf := configure(t, "", "max-conns = 7\n")
	s := startUnder(t, []string{"env", "NOTIFY_SOCKET=" + addr.Name}, t.TempDir(), "--config", conf)
	told("READY=1")
	for _, content := range []string{"max-conns = 8\n", "max-conns = 'many'\n"} {
		configure(t, conf, content)
		s.signal(syscall.SIGHUP)
		told("RELOADING=1")
		told("READY=1")
	}
	s.signal(syscall.SIGTERM)
	told("STOPPING=1")
	s.wantExit(patience)
}
