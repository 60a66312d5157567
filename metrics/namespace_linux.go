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
	return openDiagIn(namespace, pid)
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
// thread can enter one, so a goroutine with a thread of its own does.
func openDiagIn(namespace, pid int) (d *diag, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		own, failed := openAt(unix.AT_FDCWD, ownNamespace, readOnly)
		if failed != nil {
			err = os.NewSyscallError("open", failed)
			return // the thread ends with the goroutine
		}
		defer closeFile(own)
		if failed := unix.Setns(namespace, unix.CLONE_NEWNET); failed != nil {
			runtime.UnlockOSThread()
			err = processError(pid, "sockets", fmt.Errorf("%w: %w", ErrOtherNamespace, os.NewSyscallError("setns", failed)))
			return
		}
		d, err = openDiag()
		if unix.Setns(own, unix.CLONE_NEWNET) == nil { // otherwise the thread ends with the goroutine
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return d, err
}
