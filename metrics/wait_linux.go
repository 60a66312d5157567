package metrics

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// wait waits for a pidfd, which is readable when all threads have ended. The error is
// errors.ErrUnsupported if there can be none.
func (p *Process) wait(ctx context.Context) error {
	f, err := p.openPidfd()
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if f.SetReadDeadline(time.Time{}) != nil { // the runtime cannot wait for it
		return errors.ErrUnsupported
	}
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(events, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			failed = os.NewSyscallError("poll", err)
		}
		return n > 0 || failed != nil
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ctx.Err()
	}
	return errors.Join(failed, err)
}

// openPidfd returns a file that refers to the process.
func (p *Process) openPidfd() (*os.File, error) {
	o := &p.os
	if err := o.rlock(); err != nil {
		return nil, err
	}
	defer o.mu.RUnlock()
	if p.host.Proc != "" { // it may be of another PID namespace
		return nil, errors.ErrUnsupported
	}
	fd := noFile
	var err error
	if errno := injectedError("pidfd_open"); errno != 0 {
		err = errno
	} else {
		fd, err = unix.PidfdOpen(p.id.PID, 0)
	}
	if err != nil { // there is no pidfd before Linux 5.3 and in some containers; the process may have ended too
		return nil, errors.ErrUnsupported
	}
	if err := unix.SetNonblock(fd, true); err != nil { // the runtime waits only for such files
		_ = unix.Close(fd)
		return nil, errors.ErrUnsupported
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	// If the process still exists, its PID has meant it when the pidfd was opened.
	// Otherwise a look at the process says why.
	if o.check() != nil {
		_ = f.Close()
		return nil, errors.ErrUnsupported
	}
	return f, nil
}
