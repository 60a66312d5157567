package nettest

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// AsNobody takes from the calling goroutine, until the test ends, what root may do with files: their permissions count
// for it, and not for other goroutines. For any other user they do anyway.
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
	t.Cleanup(func() { // on the same goroutine
		if _, err := unix.SetfsuidRetUid(0); err == nil {
			runtime.UnlockOSThread() // else the thread ends with the goroutine
		}
	})
}
