//go:build unix

package metrics

import (
	"time"

	"golang.org/x/sys/unix"
)

// readUsage fills in the values of getrusage(2) for this process, which cover all
// threads.
func readUsage(s *Snapshot) {
	var own, children unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &own) != nil || unix.Getrusage(unix.RUSAGE_CHILDREN, &children) != nil {
		return
	}
	s.CPU = CPUTime{
		User:         time.Duration(own.Utime.Nano()),
		System:       time.Duration(own.Stime.Nano()),
		ChildUser:    time.Duration(children.Utime.Nano()),
		ChildSystem:  time.Duration(children.Stime.Nano()),
		HaveChildren: true,
	}
	s.Faults = Faults{Minor: uint64(own.Minflt), Major: uint64(own.Majflt)}
	s.Switches = Switches{Voluntary: uint64(own.Nvcsw), Involuntary: uint64(own.Nivcsw)}
	s.Have |= FieldCPU | FieldFaults | FieldSwitches
}
