//go:build e2e

package e2e

import (
	"os"
	"testing"
)

// times returns how often a test tries what goes wrong now and then only: a few times in
// "make e2e", and as often as a promise is to hold in "make torture".
func times(few int) int {
	if os.Getenv("TORTURE") != "" {
		return 100
	}
	return few
}

// needsRoot fails a test that mounts file systems if it may not, where all tests must run.
func needsRoot(t *testing.T) {
	t.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("CI") != "":
		t.Fatal("only root can do this")
	default:
		t.Skip("only root can do this")
	}
}
