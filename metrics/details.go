package metrics

import "time"

// Environ returns the environment that the process was started with, as
// "NAME=value". Its own later changes may be missing. Values may be secrets:
// do not print those of others.
func (p *Process) Environ() ([]string, error) {
	env, err := p.environ()
	return env, processError(p.id.PID, "environ", err)
}

// An OpenFile is a regular file that a process has open.
type OpenFile struct {
	FD       int
	Path     string // Linux adds " (deleted)"
	Position int64  // where the next read or write goes; -1: not told
	Flags    int    // of open(2), as os.O_APPEND; -1: not told
}

// OpenFiles returns the regular files that the process has open, by descriptor.
// Those closed meanwhile are left out, and those of which the file system
// does not say what they are.
func (p *Process) OpenFiles() ([]OpenFile, error) {
	files, err := p.openFiles()
	return files, processError(p.id.PID, "open files", err)
}

// A Thread is a thread of a process, and the time it has had on processors.
type Thread struct {
	ID           int
	User, System time.Duration
}

// Threads returns the threads of the process. Those that end meanwhile are
// left out.
func (p *Process) Threads() ([]Thread, error) {
	threads, err := p.threads()
	return threads, processError(p.id.PID, "threads", err)
}

// A Resource is one that setrlimit(2) limits.
type Resource uint8

// The resources, in the order of Linux.
const (
	LimitCPU          Resource = iota // seconds
	LimitFileSize                     // bytes
	LimitData                         // bytes
	LimitStack                        // bytes
	LimitCore                         // bytes
	LimitRSS                          // bytes
	LimitProcesses                    // processes and threads of the user
	LimitOpenFiles                    // descriptors: how many connections still fit is this less Snapshot.FDs
	LimitLocked                       // bytes
	LimitAddressSpace                 // bytes
	LimitLocks                        // file locks
	LimitSignals                      // queued signals
	LimitQueues                       // bytes in POSIX message queues
	LimitNice                         // ceiling, as 20 - nice
	LimitRealtime                     // ceiling of the priority
	LimitRealtimeTime                 // microseconds without a system call that waits
)

// Unlimited is a limit that is none.
const Unlimited = ^uint64(0)

// A ResourceLimit is the limit in force, and the one up to which the process may
// raise it.
type ResourceLimit struct{ Soft, Hard uint64 }

// Limits returns the limits of the process. A resource that the system does not
// limit is not in the map. Where the system tells a process its own limits
// only, the error for others is errors.ErrUnsupported.
func (p *Process) Limits() (map[Resource]ResourceLimit, error) {
	limits, err := p.limits()
	return limits, processError(p.id.PID, "limits", err)
}
