package metrics

import "time"

// Environ returns the environment with which the process was started, as
// "NAME=value" strings. Changes that the process made later may be missing. Values
// may be secrets, so do not print them.
func (p *Process) Environ() ([]string, error) {
	env, err := p.environ()
	return env, processError(p.id.PID, "environ", err)
}

// An OpenFile is a regular file that a process has open.
type OpenFile struct {
	FD       int    // descriptor; on Windows, a handle
	Path     string // Linux appends " (deleted)" to that of a removed file
	Position int64  // offset of the next read or write in bytes; -1: unknown
	Flags    int    // flags of open(2), such as os.O_APPEND; -1: unknown
}

// OpenFiles returns the regular files that the process has open, sorted by
// descriptor on Linux. Files that are closed meanwhile are left out, and so are
// files whose type cannot be read.
func (p *Process) OpenFiles() ([]OpenFile, error) {
	files, err := p.openFiles()
	return files, processError(p.id.PID, "open files", err)
}

// A Thread is a thread of a process.
type Thread struct {
	ID           int
	User, System time.Duration // CPU time in user and kernel mode
}

// Threads returns the threads of the process, in no order. Threads that end
// meanwhile are left out.
func (p *Process) Threads() ([]Thread, error) {
	threads, err := p.threads()
	return threads, processError(p.id.PID, "threads", err)
}

// A Resource is a resource that setrlimit(2) limits.
type Resource uint8

// The resources, in the order of /proc/PID/limits, with the units of their limits.
const (
	LimitCPU          Resource = iota // seconds
	LimitFileSize                     // bytes
	LimitData                         // bytes
	LimitStack                        // bytes
	LimitCore                         // bytes
	LimitRSS                          // bytes
	LimitProcesses                    // processes and threads of the user
	LimitOpenFiles                    // descriptors; Snapshot.FDs says how many are in use
	LimitLocked                       // bytes
	LimitAddressSpace                 // bytes
	LimitLocks                        // file locks
	LimitSignals                      // queued signals
	LimitQueues                       // bytes in POSIX message queues
	LimitNice                         // 20 minus the lowest nice value
	LimitRealtime                     // highest real-time priority
	LimitRealtimeTime                 // microseconds of real-time CPU time without a blocking system call
)

// Unlimited is the value of a limit that is not set.
const Unlimited = ^uint64(0)

// A ResourceLimit is a limit of setrlimit(2): Soft is in force, and the process
// may raise it up to Hard. Either may be Unlimited.
type ResourceLimit struct{ Soft, Hard uint64 }

// Limits returns the limits of the process. Resources that the system cannot limit
// are not in the map. On systems that report only the limits of the calling
// process, the error for other processes is errors.ErrUnsupported.
func (p *Process) Limits() (map[Resource]ResourceLimit, error) {
	limits, err := p.limits()
	return limits, processError(p.id.PID, "limits", err)
}
