//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server of root becomes another user and sandboxes itself. It still keeps its sessions,
// over SIGKILL too, shares them with another process, and obeys "sluice session" of root.
func TestSessionsOfASandboxedServerSurviveAKill(t *testing.T) {
	needsRoot(t)
	t.Run("in a new directory", func(t *testing.T) { keepSessions(t, filepath.Join(publicDir(t), "state")) })
	t.Run("in an empty directory of root", func(t *testing.T) { keepSessions(t, publicDir(t)) })
}

func keepSessions(t *testing.T, state string) {
	dir, got := ownedDir(t), t.TempDir()
	writePattern(t, filepath.Join(dir, "f"), 1000)
	launched := func() *server {
		return startUnder(t, nil, dir, defaultUser, "--user", login, "--anonymous=false", "--state", state, "--sandbox", "required")
	}
	first, second := launched(), launched()
	status := func(s *server) string {
		return run(t, got, "curl", "-s", "-b", "jar", "-o", "f", "-w", "%{http_code}", s.urlOf("http", "f"))
	}
	logIn := func() {
		t.Helper()
		page := first.urlOf("http", "") + "?login"
		if code := run(t, got, "curl", "-s", "-c", "jar", "-o", "none", "-w", "%{http_code}", "-d", "username="+user+"&password="+password, page); code != "303" {
			t.Fatalf("login: %s", code)
		}
	}
	logIn()
	if a, b := status(first), status(second); a != "200" || b != "200" {
		t.Errorf("got %s, and %s from another process", a, b)
	}
	info, err := os.Stat(filepath.Join(state, "sessions"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != daemonID || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v, want one of daemon alone", info, err)
	}

	first.checked = true
	first.signal(syscall.SIGKILL)
	<-first.exited
	first = launched()
	if got := status(first); got != "200" {
		t.Errorf("after SIGKILL: %s", got)
	}

	list := run(t, got, program, "session", "list", "--state", state)
	id, _, _ := strings.Cut(strings.Split(list, "\n")[1], " ")
	run(t, got, program, "session", "revoke", id, "--state", state)
	revoked := time.Now()
	for _, s := range []*server{first, second} {
		for status(s) != "401" {
			if time.Since(revoked) > patience {
				t.Fatal("the session did not end")
			}
		}
	}
	logIn() // into the file that root has changed
	if got := status(second); got != "200" {
		t.Errorf("after another login: %s", got)
	}
	second.wantLogged("msg=contained", "user=daemon")
}
