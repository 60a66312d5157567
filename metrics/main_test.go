package metrics

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
)

// roleEnv makes the test binary a process for the tests to read: it prints a line
// to stdout when it is ready, and exits when stdin ends.
const roleEnv = "METRICS_TEST_ROLE"

func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(roleEnv); ok {
		if err := runRole(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// init keeps the first thread for the main goroutine. Tests that change the
// namespace or the user of their thread must not run on it: it never ends, and
// /proc/self shows it.
func init() { runtime.LockOSThread() }

// runRole runs a role: "idle", or "named NAME", which also renames the process.
func runRole(role string) error {
	if name, ok := strings.CutPrefix(role, "named "); ok {
		if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
