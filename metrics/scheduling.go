package metrics

// Affinity returns the numbers of the processors that are online and on which the
// process may run, in ascending order. On Linux they are those of its first thread;
// each thread may have its own. On other systems the error is errors.ErrUnsupported.
func (p *Process) Affinity() ([]int, error) {
	cpus, err := p.affinity()
	return cpus, processError(p.id.PID, "affinity", err)
}

// An IOClass is a class of priorities for the disk, see ioprio_set(2).
type IOClass uint8

// The classes, with the numbers of Linux.
const (
	IONone       IOClass = iota // not set: derived from the nice value
	IORealtime                  // before all others
	IOBestEffort                // the usual one
	IOIdle                      // only when nobody else uses the disk
)

var ioClassNames = [...]string{"none", "realtime", "best-effort", "idle"}

// String returns the name that ionice(1) uses for the class, such as "best-effort".
func (c IOClass) String() string {
	if int(c) < len(ioClassNames) {
		return ioClassNames[c]
	}
	return stateNames[Unknown]
}

// An IOPriority is the priority of a process for the disk.
type IOPriority struct {
	Class IOClass
	Level int // in the class: from 0, the highest, to 7
}

// IOPriority returns the priority of the first thread for the disk. On systems other
// than Linux, and if Host.Proc is set, the error is errors.ErrUnsupported.
func (p *Process) IOPriority() (IOPriority, error) {
	priority, err := p.ioPriority()
	return priority, processError(p.id.PID, "I/O priority", err)
}
