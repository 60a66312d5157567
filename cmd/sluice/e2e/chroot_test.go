//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The chroot has the program and the served files, but no /dev, /etc and /proc
// (faults-http.md, H14).
func TestTheProgramServesInAChroot(t *testing.T) {
	needsRoot(t)
	root := t.TempDir()
	for _, dir := range []string{"pub", "bin"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", filepath.Join(root, "bin", "sluice"), "sluice/cmd/sluice")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	writePattern(t, filepath.Join(root, "pub", "f"), 100_000)

	outside := program
	program = "/bin/sluice" // its path in the chroot
	defer func() { program = outside }()
	s := launch{wrapper: []string{"chroot", root}, schemes: schemes}.serve(t, "/pub", "--http", "127.0.0.1:0", "--ftp", "127.0.0.1:0", "--user", login, "--write",
		"--https", "127.0.0.1:0", "--tls-self-signed")
	s.http, s.ftp = s.urls["http"], s.urls["ftp"]
	dir := t.TempDir()
	for _, args := range [][]string{
		{s.http.String() + "f"},
		{s.ftp.String() + "f"},
		{"--ssl-reqd", "-k", s.ftp.String() + "f"},
		{"-k", s.url("https").String() + "f"},
	} {
		run(t, dir, "curl", append([]string{"-sSf", "-o", "got"}, args...)...)
		wantPattern(t, filepath.Join(dir, "got"), 0, 100_000)
	}
	run(t, dir, "curl", "-sSf", "-u", login, "-T", "got", s.ftp.String()+"up")
	wantPattern(t, filepath.Join(root, "pub", "up"), 0, 100_000)
	if got := run(t, dir, "curl", "-sSf", s.http.String()); !strings.Contains(got, ">up<") {
		t.Errorf("the listing is %s", got)
	}
	s.urls["https"] = s.url("https")
}
