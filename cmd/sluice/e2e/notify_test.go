//go:build e2e

package e2e

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The server notifies systemd, see sd_notify(3), when it is ready for clients, at a reload
// that succeeds or fails, and when it stops.
func TestSystemdIsNotified(t *testing.T) {
	addr := &net.UnixAddr{Net: "unixgram", Name: filepath.Join(t.TempDir(), "notify")}
	manager, err := net.ListenUnixgram("unixgram", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	wantMessage := func(want string) {
		t.Helper()
		if err := manager.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1024)
		n, err := manager.Read(b)
		if got := string(b[:n]); got != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}

	conf := writeConfig(t, "", "max-conns = 7\n")
	s := startUnder(t, []string{"env", "NOTIFY_SOCKET=" + addr.Name}, t.TempDir(), "--config", conf)
	wantMessage("READY=1")
	for _, content := range []string{"max-conns = 8\n", "max-conns = 'many'\n"} {
		writeConfig(t, conf, content)
		s.signal(syscall.SIGHUP)
		wantMessage("RELOADING=1")
		wantMessage("READY=1")
	}
	s.signal(syscall.SIGTERM)
	wantMessage("STOPPING=1")
	s.wantExit(patience)
}
