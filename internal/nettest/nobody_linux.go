package nettest

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// AsNobody makes the calling goroutine subject to file permissions until the test ends, also if the test is run by root.
// Other goroutines are not affected.
func AsNobody(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	runtime.LockOSThread()
	if _, err := unix.SetfsuidRetUid(nobody); err != nil {
		runtime.UnlockOSThread()
		t.Fatal(err)
	}
	t.Cleanup(func() { // runs on the same goroutine
		if _, err := unix.SetfsuidRetUid(0); err == nil {
			runtime.UnlockOSThread() // otherwise the thread ends with the goroutine
		}
	})
}
