package metrics

import "errors"

// A Host is where to look. The zero Host is this machine.
//
// The fields are for Linux: in a container that has the host's file systems
// mounted, and in tests. Where Proc is another PID namespace's, so are the
// PIDs. Sockets and interfaces are always those of the network namespace of
// this process.
type Host struct {
	Proc string // where a proc file system is mounted; "": /proc
	Sys  string // where a sysfs is mounted; "": /sys
}

func (h Host) proc() string {
	if h.Proc == "" {
		return "/proc"
	}
	return h.Proc
}

func (h Host) sys() string {
	if h.Sys == "" {
		return "/sys"
	}
	return h.Sys
}

// ErrNoProcess says that there is no such process, or no longer. A zombie is
// one still: it has a State.
var ErrNoProcess = errors.New("no such process")

// ErrNoPeer says that no socket of this host is at the other end.
var ErrNoPeer = errors.New("no such socket on this host")
