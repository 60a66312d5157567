package metrics

import (
	"errors"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A process is the open directory /proc/PID, which stands for one process
// whatever becomes of its PID.
type process struct {
	mu     sync.RWMutex // held for reading while descriptors are in use: a reused number would be another file
	closed bool
	dir    int   // noFile: /proc/PID could not be opened, which only Self gets over
	noDir  error // why
	own    *ownFiles

	started   time.Time
	fdsBySize bool // the size of the directory fd is the count of descriptors
}

// open opens /proc/PID and learns who that is.
func (p *Process) open(pid int) error {
	if pid <= 0 {
		return ErrNoProcess
	}
	proc, err := p.host.openProc()
	if err != nil {
		return err
	}
	defer unix.Close(proc)
	var name [24]byte
	strconv.AppendInt(name[:0], int64(pid), 10)
	return p.openIn(proc, &name[0], p.host.fdsBySize(proc))
}

// openIn opens a process by its name in the directory proc.
func (p *Process) openIn(proc int, name *byte, fdsBySize bool) error {
	dir, err := openAtPtr(proc, name, directory)
	if err != nil {
		return processGone(err)
	}
	p.os.dir, p.os.fdsBySize, p.os.closed = dir, fdsBySize, false
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	st, err := readStat(dir, buf[:])
	if err != nil {
		_ = p.os.close()
		return processGone(err)
	}
	p.id = ProcessID{PID: st.pid, Start: st.start}
	p.os.started = bootTime().Add(time.Duration(st.start) * tick)
	return nil
}

func (o *process) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return fs.ErrClosed
	}
	o.closed = true
	if o.own != nil {
		o.own.close()
	}
	closeFile(o.dir)
	return nil
}

// hold keeps the descriptors in use until the caller has called o.mu.RUnlock.
func (o *process) hold() error {
	o.mu.RLock()
	if o.closed {
		o.mu.RUnlock()
		return fs.ErrClosed
	}
	return nil
}

func closeFile(fd int) {
	if fd != noFile {
		_ = unix.Close(fd)
	}
}

// processes calls yield with each process until it returns false.
func (h Host) processes(yield func(*Process) bool) error {
	proc, err := h.openProc()
	if err != nil {
		return err
	}
	defer unix.Close(proc)
	bySize := h.fdsBySize(proc)
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	p := &Process{host: h, os: process{dir: noFile, closed: true}}
	var failed error
	err = eachEntry(proc, buf[:], func(name []byte) bool {
		if name[0] < '0' || name[0] > '9' {
			return true // no process
		}
		switch err := p.openIn(proc, &name[0], bySize); {
		case errors.Is(err, ErrNoProcess), errors.Is(err, fs.ErrPermission): // it has ended, or is hidden
			return true
		case err != nil: // as for want of descriptors: the others would be missing too
			failed = err
			return false
		}
		more := yield(p)
		_ = p.os.close()
		return more
	})
	if err == nil {
		err = failed
	}
	return err
}

func (h Host) openProc() (int, error) {
	return openAt(unix.AT_FDCWD, cstring(h.proc()+"\x00"), directory)
}

// fdsBySize reports whether the size of a directory /proc/PID/fd is the count
// of descriptors. It is so since Linux 6.2, and was 0 before.
func (h Host) fdsBySize(proc int) bool {
	if h.Proc != "" {
		var st unix.Statfs_t
		if failure("fstatfs") != 0 || unix.Fstatfs(proc, &st) != nil || st.Type != unix.PROC_SUPER_MAGIC { // a copy
			return false
		}
	}
	return kernelCountsFDs()
}

var kernelCountsFDs = sync.OnceValue(func() bool {
	n, err := sizeAt(unix.AT_FDCWD, "/proc/self/fd\x00")
	return err == nil && n > 0
})

// bootTime follows the wall clock when that is set.
func bootTime() time.Time {
	var up unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) // cannot fail: Linux 2.6.39 has it
	return time.Now().Round(0).Add(-time.Duration(up.Nano()))
}

// processGone says ErrNoProcess for what the kernel answers when a process has
// ended: ESRCH by what was open before, ENOENT by its name.
func processGone(err error) error {
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) {
		return ErrNoProcess
	}
	return err
}

// reason explains an error of a file of the process: one that is not there may
// be one that this kernel does not have, or that a zombie has no more.
func (o *process) reason(err error) error {
	if o.noDir != nil {
		return o.noDir
	}
	if errors.Is(processGone(err), ErrNoProcess) {
		fd, err := openAt(o.dir, statFile, location)
		if err != nil {
			return processGone(err)
		}
		_ = unix.Close(fd)
		return errors.ErrUnsupported
	}
	return processGone(err)
}
