package metrics

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	netNamespace cstring = "ns/net\x00"                   // of a process
	ownNamespace cstring = "/proc/thread-self/ns/net\x00" // of this thread
)

// ownersFor maps the inodes of sockets to PIDs: the sockets of a process, or of all if
// all is set. A PID of 0 means no process. The result is nil if neither is wanted.
func (h Host) ownersFor(pid int, all bool) (map[uint64]int, error) {
	switch {
	case pid != 0:
		return h.socketsOf(pid)
	case all:
		return h.socketOwners(), nil
	}
	return nil, nil
}

// openDiagOf opens a diag in the network namespace of a process, or of this one if pid
// is 0. The error is fs.ErrPermission if it is another one and may not be entered.
func (h Host) openDiagOf(pid int) (*diag, error) {
	if pid == 0 {
		return openDiag()
	}
	namespace, err := h.otherNamespace(pid)
	switch {
	case err != nil:
		return nil, err
	case namespace == noFile:
		return openDiag()
	}
	defer unix.Close(namespace)
	return openDiagIn(namespace)
}

// otherNamespace opens the network namespace of a process, which the caller closes. It
// returns noFile if it is that of this thread, or if there is none, as in a kernel
// without namespaces and in a copy of /proc.
func (h Host) otherNamespace(pid int) (int, error) {
	p, err := h.Open(pid)
	if err != nil {
		return noFile, err
	}
	defer p.Close()
	own, err := openAt(unix.AT_FDCWD, ownNamespace, readOnly)
	if errors.Is(err, unix.ENOENT) {
		return noFile, nil
	} else if err != nil {
		return noFile, os.NewSyscallError("open", err)
	}
	defer unix.Close(own)
	fd, err := openAt(p.os.dir, netNamespace, readOnly)
	if err != nil {
		if err = p.os.explain(err); errors.Is(err, errors.ErrUnsupported) {
			err = nil
		}
		return noFile, err
	}
	if here, there := fstat(own), fstat(fd); here.Dev != there.Dev || here.Ino == there.Ino { // of another file system: a copy
		closeFile(fd)
		return noFile, nil
	}
	return fd, nil
}

// openDiagIn opens a diag in a network namespace, in which the socket remains. Only a
// thread can enter one.
func openDiagIn(namespace int) (d *diag, err error) {
	onAnotherThread(func() (reusable bool) {
		own, failed := openAt(unix.AT_FDCWD, ownNamespace, readOnly)
		if failed != nil {
			err = os.NewSyscallError("open", failed)
			return true
		}
		defer closeFile(own)
		if failed := unix.Setns(namespace, unix.CLONE_NEWNET); failed != nil {
			err = fmt.Errorf("%w: %w", ErrOtherNamespace, os.NewSyscallError("setns", failed))
			return true
		}
		d, err = openDiag()
		// In a user namespace without one of the network the way back is forbidden.
		return unix.Setns(own, unix.CLONE_NEWNET) == nil
	})
	return d, err
}

// onAnotherThread runs f in a goroutine with a thread of its own, and waits for it. The
// thread is not the first one, which /proc/self shows and which never ends. Unless f
// returns true, the thread ends with the goroutine.
func onAnotherThread(f func() (reusable bool)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onAnotherThread(f) // this thread is locked, so it gets another
			runtime.UnlockOSThread()
			return
		}
		if f() {
			runtime.UnlockOSThread()
		}
	}()
	<-done
}
