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

// Missing skips the test because a program is not installed, and names the Debian
// package pkg that has it. If CI is set in the environment it fails the test instead:
// .ci/run installs all packages, and a skipped test would go unnoticed.
func Missing(t testing.TB, what, pkg string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed: apt-get install %s", what, pkg)
	}
	t.Skipf("%s is not installed: apt-get install %s", what, pkg)
}
