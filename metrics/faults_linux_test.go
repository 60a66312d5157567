package metrics

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// eachFault calls act once for each error and each of its system calls: the nth
// call fails, for n from 1 until act makes fewer calls. After each run it calls
// check, and reports an error that check returns.
func eachFault(t *testing.T, act func() error, check func(errno syscall.Errno, err error) error) {
	t.Helper()
	kernelCountsFDs() // made before the faults, because its result is kept
	defer func() { injectError = nil }()
	for _, errno := range []syscall.Errno{unix.EIO, unix.EACCES, unix.ENOENT, unix.ESRCH, unix.EINTR, unix.EMFILE} {
		for n := 1; ; n++ {
			calls, failed := 0, ""
			injectError = func(call string) syscall.Errno {
				if calls++; calls != n {
					return 0
				}
				failed = call
				if errno == unix.EINTR && !slices.Contains(interruptible, call) {
					return 0
				}
				return errno
			}
			err := act()
			injectError = nil
			if failed == "" {
				if n == 1 {
					t.Fatal("no call was made")
				}
				break
			}
			if wrong := check(errno, err); wrong != nil {
				t.Errorf("call %d, %s, fails with %v: %v", n, failed, errno, wrong)
			}
			if errno != unix.EACCES && errors.Is(err, fs.ErrPermission) {
				t.Errorf("call %d, %s, fails with %v: got %v, but nothing was refused", n, failed, errno, err)
			}
			if errno != unix.ESRCH && errno != unix.ENOENT && errors.Is(err, ErrNoProcess) {
				t.Errorf("call %d, %s, fails with %v: got %v, but the process exists", n, failed, errno, err)
			}
		}
	}
}

// interruptible are the calls that may wait, and so fail with EINTR.
var interruptible = []string{"openat", "read", "pread", "getdents", "recv"}

// eachCorruption is like eachFault, but corrupts the nth answer that act reads.
func eachCorruption(t *testing.T, act, check func() error) {
	t.Helper()
	defer func() { corruptAnswer = nil }()
	for name, corrupt := range map[string]func(b []byte) int{
		"nothing":     func([]byte) int { return 0 },
		"half":        func(b []byte) int { return len(b) / 2 },
		"all but one": func(b []byte) int { return len(b) - 1 },
		"all but two": func(b []byte) int { return len(b) - 2 },
		"one line":    func(b []byte) int { return bytes.IndexByte(b, '\n') + 1 },
		"ones":        func(b []byte) int { return copy(b, bytes.Repeat([]byte{0xff}, len(b))) },
		"zeros":       func(b []byte) int { clear(b); return len(b) },
	} {
		for n := 1; ; n++ {
			answers, corrupted := 0, ""
			corruptAnswer = func(call string, b []byte) int {
				if answers++; answers == n && len(b) > 2 {
					corrupted = call
					return corrupt(b)
				}
				return len(b)
			}
			_ = act() // check looks at the values, whether act fails or not
			corruptAnswer = nil
			if answers < n {
				if n == 1 {
					t.Fatal("nothing was read")
				}
				break
			}
			if corrupted == "" { // the end of a file
				continue
			}
			if wrong := check(); wrong != nil {
				t.Errorf("answer %d, of %s, is %s: %v", n, corrupted, name, wrong)
			}
		}
	}
}
