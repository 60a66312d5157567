package metrics

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// socketsOf maps the inodes of the sockets that a process has open to its PID. The
// error is ErrNoProcess or fs.ErrPermission.
func (h Host) socketsOf(pid int) (map[uint64]int, error) {
	p, err := h.Open(pid)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	sockets := make(map[uint64]int)
	if err := p.addSockets(sockets); err != nil {
		return nil, processError(pid, "sockets", err)
	}
	return sockets, nil
}

// socketOwners maps the inode of each open socket to the lowest PID that has it
// open. Sockets of processes whose descriptors this one may not read are missing.
func (h Host) socketOwners() map[uint64]int {
	owners := make(map[uint64]int)
	for p, err := range h.Processes() {
		if err != nil {
			break
		}
		_ = p.addSockets(owners) // fails if access is refused or the process has ended
	}
	return owners
}

// addSockets adds the sockets of a process to owners, by inode. After an error some
// may be missing.
func (p *Process) addSockets(owners map[uint64]int) error {
	o := &p.os
	if err := o.rlock(); err != nil {
		return err
	}
	defer o.mu.RUnlock()
	dir, err := openAt(o.dir, fdDir, asDirectory)
	if err != nil {
		return o.explain(err)
	}
	defer unix.Close(dir)
	names := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(names)
	var target [64]byte
	var failed error
	err = eachEntry(dir, names[:], func(name []byte) bool {
		n, err := readLinkInto(dir, &name[0], target[:])
		if err != nil && failed == nil && !errors.Is(asNoProcess(err), ErrNoProcess) { // unless the descriptor was closed
			failed = err
		}
		if inode, ok := socketInode(target[:n]); ok {
			if lowest, known := owners[inode]; !known || p.id.PID < lowest {
				owners[inode] = p.id.PID
			}
		}
		return true
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return o.explain(err)
	}
	return nil
}

// socketInode returns the inode in the target of a link like "socket:[4711]".
func socketInode(target []byte) (uint64, bool) {
	digits, ok := bytes.CutPrefix(target, []byte("socket:["))
	if !ok {
		return 0, false
	}
	inode, rest, ok := number(digits)
	return inode, ok && string(rest) == "]"
}
