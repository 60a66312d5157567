package metrics

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
)

// roleEnv makes the test binary a process to look at: it says a line on stdout
// when it is ready, and ends when stdin does.
const roleEnv = "METRICS_TEST_ROLE"

func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(roleEnv); ok {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// init keeps the first thread for the main goroutine. Tests that change the
// namespace or the user of their thread must not have it: it never ends, and
// /proc/self is about it.
func init() { runtime.LockOSThread() }

// play is "idle", or "named " and a name for the program.
func play(role string) error {
	if name, ok := strings.CutPrefix(role, "named "); ok {
		if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
