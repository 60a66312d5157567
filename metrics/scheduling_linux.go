package metrics

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

func (p *Process) affinity() ([]int, error) {
	b, err := p.os.file(statusFile)
	if err != nil {
		return nil, err
	}
	list, ok := valueOf(b, "Cpus_allowed_list")
	if !ok {
		return nil, errMalformed
	}
	list, _, _ = bytes.Cut(list, []byte("\n"))
	cpus := parseList(list)
	online, err := readPath(path.Join(p.host.sys(), "devices/system/cpu/online"))
	switch {
	case err == nil: // the list may name all that the kernel has room for
		now := parseList(online)
		cpus = slices.DeleteFunc(cpus, func(n int) bool { return !slices.Contains(now, n) })
	case !errors.Is(err, fs.ErrNotExist): // without sysfs the list is all that is known
		return nil, err
	}
	if len(cpus) == 0 {
		return nil, errMalformed
	}
	return cpus, nil
}

// parseList returns the members of a list like "0-3,8".
func parseList(b []byte) (all []int) {
	eachInList(b, func(low, high int) {
		for n := low; n <= high; n++ {
			all = append(all, n)
		}
	})
	return all
}

func (p *Process) ioPriority() (IOPriority, error) {
	if p.host.Proc != "" { // it may be of another PID namespace, and the system call knows only ours
		return IOPriority{}, errors.ErrUnsupported
	}
	o := &p.os
	if err := o.rlock(); err != nil {
		return IOPriority{}, err
	}
	defer o.mu.RUnlock()
	const ofProcess = 1 // IOPRIO_WHO_PROCESS
	errno := injectedError("ioprio_get")
	var value uintptr
	if errno == 0 {
		value, _, errno = unix.Syscall(unix.SYS_IOPRIO_GET, ofProcess, uintptr(p.id.PID), 0)
	}
	// If the process still exists, its PID has meant it all the time.
	if err := o.check(); err != nil {
		return IOPriority{}, err
	}
	switch errno {
	case 0:
	case unix.ENOSYS: // a kernel without CONFIG_BLOCK
		return IOPriority{}, errors.ErrUnsupported
	default:
		return IOPriority{}, asNoProcess(errno)
	}
	const classShift, levelMask = 13, 7 // IOPRIO_CLASS_SHIFT; the bits between hold hints
	return IOPriority{Class: IOClass(value >> classShift), Level: int(value & levelMask)}, nil
}

// check returns nil if the process exists, as a zombie too, or why that is unknown.
func (o *process) check() error {
	if o.dir == noFile { // of Self: this process exists
		return nil
	}
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	_, err := readStat(o.dir, buf[:])
	return asNoProcess(err)
}
