package metrics

import "errors"

// A Host is a machine to read from. The zero Host is this machine.
//
// The fields have an effect on Linux only. They are for a container into which the
// file systems of its host are mounted, and for tests. If Proc belongs to another
// PID namespace, PIDs are of that namespace. Interfaces are always those
// of the network namespace of this process, and so are sockets unless a process is
// named.
type Host struct {
	Proc string // mount point of the proc file system; "": /proc
	Sys  string // mount point of sysfs; "": /sys
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

// ErrNoProcess means that the process does not exist, or no longer exists. A
// zombie still exists; its State is Zombie.
var ErrNoProcess = errors.New("no such process")

// ErrOtherNamespace means that a process is in another network namespace than this one,
// such as that of a container, and that this user may not enter it.
var ErrOtherNamespace = errors.New("the process is in another network namespace")

// ErrNoPeer means that the other end of a connection is not a socket of this host.
var ErrNoPeer = errors.New("no such socket on this host")
