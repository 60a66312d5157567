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

// eachFault runs act with its nth system call failing, for n from 1 until act
// makes fewer calls than that; once for each error. After each run it asks
// check, and names the run when that has something to say.
func eachFault(t *testing.T, act func() error, check func(errno syscall.Errno, err error) error) {
	t.Helper()
	kernelCountsFDs() // asked once in the life of a process
	defer func() { failCall = nil }()
	for _, errno := range []syscall.Errno{unix.EIO, unix.EACCES, unix.ENOENT, unix.ESRCH, unix.EINTR, unix.EMFILE} {
		for n := 1; ; n++ {
			calls, failed := 0, ""
			failCall = func(call string) syscall.Errno {
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
			failCall = nil
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
				t.Errorf("call %d, %s, fails with %v: got %v, which nobody refused", n, failed, errno, err)
			}
			if errno != unix.ESRCH && errno != unix.ENOENT && errors.Is(err, ErrNoProcess) {
				t.Errorf("call %d, %s, fails with %v: got %v of a process that is there", n, failed, errno, err)
			}
		}
	}
}

// interruptible are the calls that may wait, and so fail with EINTR.
var interruptible = []string{"openat", "read", "pread", "getdents", "recv"}

// eachSpoiled runs act with its nth answer spoiled, as eachFault does.
func eachSpoiled(t *testing.T, act, check func() error) {
	t.Helper()
	defer func() { spoilAnswer = nil }()
	for name, spoil := range map[string]func(b []byte) int{
		"nothing":     func([]byte) int { return 0 },
		"half":        func(b []byte) int { return len(b) / 2 },
		"all but one": func(b []byte) int { return len(b) - 1 },
		"all but two": func(b []byte) int { return len(b) - 2 },
		"one line":    func(b []byte) int { return bytes.IndexByte(b, '\n') + 1 },
		"ones":        func(b []byte) int { return copy(b, bytes.Repeat([]byte{0xff}, len(b))) },
		"zeros":       func(b []byte) int { clear(b); return len(b) },
	} {
		for n := 1; ; n++ {
			answers, spoiled := 0, ""
			spoilAnswer = func(call string, b []byte) int {
				if answers++; answers == n && len(b) > 2 {
					spoiled = call
					return spoil(b)
				}
				return len(b)
			}
			_ = act() // whether it fails or not, what it tells is checked
			spoilAnswer = nil
			if answers < n {
				if n == 1 {
					t.Fatal("nothing was read")
				}
				break
			}
			if spoiled == "" { // the end of a file
				continue
			}
			if wrong := check(); wrong != nil {
				t.Errorf("answer %d, of %s, is %s: %v", n, spoiled, name, wrong)
			}
		}
	}
}
