//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each client logs in by its usual way and gets the files of the user, of which guests
// see nothing.
func TestClientsLogInByHTTP(t *testing.T) {
	s := startSecure(t, "--tls-self-signed", "--user", login, "--anonymous=false")
	s.file("dir/small", 1000)
	s.file("dir/large file", large)
	for _, scheme := range []string{"http", "https"} {
		base := s.urlOf(scheme, "dir/")
		withUser := strings.Replace(base, "://", "://"+login+"@", 1)
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			if got := run(t, dir, "curl", "-sk", "-o", "none", "-w", "%{http_code}", base+"small"); got != "401" {
				t.Errorf("curl without a password: %s", got)
			}
			run(t, dir, "curl", "-sSfk", "-u", login, "-o", "curl", base+"large%20file")
			wantPattern(t, filepath.Join(dir, "curl"), 0, large)
			if out, status := try(t, dir, "curl", "-sSfk", "-u", user+":wrong", base+"small"); status != 22 || !strings.Contains(out, "401") {
				t.Errorf("curl with a wrong password: %d, %s", status, out)
			}
			run(t, dir, "wget", "-q", "--no-check-certificate", "--user", user, "--password", password, "-r", "-np", "-nH", base)
			wantPattern(t, filepath.Join(dir, "dir", "large file"), 0, large)

			run(t, dir, "rclone", "--config", os.DevNull, "--no-check-certificate", "copy", "--http-url", withUser, ":http:", "copied")
			wantPattern(t, filepath.Join(dir, "copied", "large file"), 0, large)
			wantPattern(t, filepath.Join(dir, "copied", "small"), 0, 1000)
		})
	}
	// A browser: see TestABrowserLogsInByTheForm.
	named := func(line string) bool { return strings.Contains(line, " status=200 user="+user+" bytes=") }
	if len(s.log.await(1, patience, named)) == 0 {
		t.Error("the access log does not name the user")
	}
}
