package nettest

import (
	"os"
	"os/exec"
	"testing"
)

// NeedsProgram skips the test if a program is not installed, as Missing does.
func NeedsProgram(t testing.TB, program, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		Missing(t, program, pkg)
	}
}

// Missing skips the test because what a Debian package has is not installed. It
// fails the test if CI is set in the environment: .ci/run installs the package and
// sets it, and a test that is always skipped there would never run.
func Missing(t testing.TB, what, pkg string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed: apt-get install %s", what, pkg)
	}
	t.Skipf("%s is not installed: apt-get install %s", what, pkg)
}
