package metrics

import (
	"fmt"
	"time"
)

// HostCPU says how the processors of the host have spent their time since boot.
type HostCPU struct {
	Total CPUUse   // the sum over all processors
	Each  []CPUUse // the processors that are online, by number
}

// CPUUse is how a processor, or all together, spent a time. The parts have steps of
// 10 ms on Linux.
type CPUUse struct {
	Number int // of the processor, from 0 on; -1: the sum over all

	User      time.Duration // programs, including Guest
	Nice      time.Duration // programs with a nice value above 0, including GuestNice
	System    time.Duration // the kernel
	Idle      time.Duration // nothing to do
	IOWait    time.Duration // nothing to do but wait for a disk; Linux may correct it to less
	IRQ       time.Duration // interrupts
	SoftIRQ   time.Duration // what interrupts leave to be done later, such as received packets
	Steal     time.Duration // taken by the hypervisor for other virtual machines
	Guest     time.Duration // virtual machines of this host
	GuestNice time.Duration // those with a nice value above 0

	Have CPUUseFields
}

// CPUUseFields is a set of fields of a CPUUse. User, System and Idle are always
// known.
type CPUUseFields uint8

// The fields of a CPUUse. Linux has all of them.
const (
	CPUNice CPUUseFields = 1 << iota
	CPUIOWait
	CPUIRQ
	CPUSoftIRQ
	CPUSteal
	CPUGuest
	CPUGuestNice
)

// Has reports whether all of g are in f.
func (f CPUUseFields) Has(g CPUUseFields) bool { return f&g == g }

// CPU returns how the processors have spent their time since boot. Percentages need
// two readings:
//
//	use := after.Total.Sub(before.Total)
//	log.Printf("busy %.1f%%, stolen %.1f%%", use.Percent(use.Busy()), use.Percent(use.Steal))
func (h Host) CPU() (HostCPU, error) {
	c, err := h.cpu()
	if err != nil {
		return HostCPU{}, fmt.Errorf("metrics: cpu: %w", err)
	}
	return c, nil
}

// Sub returns the time between an earlier reading and u. Parts that were corrected to
// less meanwhile are 0.
func (u CPUUse) Sub(earlier CPUUse) CPUUse {
	u.Have &= earlier.Have
	for i, part := range u.parts() {
		*part = max(*part-*earlier.parts()[i], 0)
	}
	return u
}

// parts returns the addresses of all durations, Guest and GuestNice last.
func (u *CPUUse) parts() [10]*time.Duration {
	return [...]*time.Duration{
		&u.User, &u.Nice, &u.System, &u.Idle, &u.IOWait, &u.IRQ, &u.SoftIRQ, &u.Steal, &u.Guest, &u.GuestNice,
	}
}

// Total returns the whole time. Guest and GuestNice are parts of others.
func (u CPUUse) Total() time.Duration {
	return u.Busy() + u.Idle + u.IOWait
}

// Busy returns the time in which the processor was not idle. Time that was stolen
// counts, as psutil counts it.
func (u CPUUse) Busy() time.Duration {
	return u.User + u.Nice + u.System + u.IRQ + u.SoftIRQ + u.Steal
}

// Percent returns a part of the whole time, such as u.System, in percent: 0 to 100,
// also for the sum over all processors. It returns 0 if no time has passed.
func (u CPUUse) Percent(part time.Duration) float64 {
	total := u.Total()
	if total <= 0 {
		return 0
	}
	return 100 * float64(part) / float64(total)
}
