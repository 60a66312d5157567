package metrics

// A State is what a process does.
type State uint8

// The states. Linux tells that of the first thread.
const (
	Unknown     State = iota
	Running           // or ready to
	Sleeping          // until something happens
	DiskSleep         // cannot be woken: most of the time for a disk
	Stopped           // by a signal
	TracingStop       // by a debugger
	Zombie            // ended, and not yet waited for
	Dead              // ends just now
	Idle              // a thread of the kernel without work; elsewhere long asleep
	Parked            // a thread of the kernel
	Waking            // about to run
	Waiting           // for a lock, or, as an interrupt's thread, for work: on the BSDs and macOS
)

var stateNames = [...]string{
	"unknown", "running", "sleeping", "disk-sleep", "stopped", "tracing-stop",
	"zombie", "dead", "idle", "parked", "waking", "waiting",
}

// String returns the name that psutil gives the state, as "disk-sleep".
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[Unknown]
}
