package metrics

// A State is the scheduling state of a process.
type State uint8

// The states. On Linux the state of a process is that of its first thread.
const (
	Unknown     State = iota
	Running           // running, or ready to run
	Sleeping          // waits for an event
	DiskSleep         // waits and cannot be interrupted, mostly for a disk
	Stopped           // stopped by a signal
	TracingStop       // stopped by a debugger
	Zombie            // has ended, but its parent has not waited for it
	Dead              // is ending
	Idle              // Linux: an idle kernel thread; elsewhere: asleep for a long time, or being created
	Parked            // a parked kernel thread
	Waking            // about to run
	Waiting           // BSDs: waits for a lock; an interrupt thread without work
)

var stateNames = [...]string{
	"unknown", "running", "sleeping", "disk-sleep", "stopped", "tracing-stop",
	"zombie", "dead", "idle", "parked", "waking", "waiting",
}

// String returns the name that psutil uses for the state, such as "disk-sleep".
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[Unknown]
}
