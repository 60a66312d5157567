package status

import (
	"time"

	"sluice/metrics"
)

// Host is what the system reports about the host that the server runs on, with all its
// programs.
type Host struct {
	CPU *HostCPU `json:"cpu,omitempty"`

	// ListenOverflows counts handshakes that ended while the queue of their listener
	// was full, of all listeners of the network namespace, since it was made. With
	// event loops no listener can count its own. ListenDrops counts the connections that
	// listeners refused for any reason.
	ListenOverflows *uint64 `json:"listen_overflows,omitempty"`
	ListenDrops     *uint64 `json:"listen_drops,omitempty"`
}

// HostCPU is how the processors have spent their time since boot, as a sum over all. See
// metrics.CPUUse.
type HostCPU struct {
	Processors int      `json:"processors,omitempty"` // absent: unknown
	User       float64  `json:"user_seconds"`
	Nice       *float64 `json:"nice_seconds,omitempty"`
	System     float64  `json:"system_seconds"`
	Idle       float64  `json:"idle_seconds"`
	IOWait     *float64 `json:"iowait_seconds,omitempty"`
	IRQ        *float64 `json:"irq_seconds,omitempty"`
	SoftIRQ    *float64 `json:"softirq_seconds,omitempty"`
	Steal      *float64 `json:"steal_seconds,omitempty"`
}

// ReadHost reads what the system reports; nil if that is nothing.
func ReadHost(h metrics.Host) *Host {
	var host Host
	if c, err := h.CPU(); err == nil {
		host.CPU = newHostCPU(&c)
	}
	if t, err := h.TCP(); err == nil {
		host.ListenOverflows, host.ListenDrops = &t.ListenOverflows, &t.ListenDrops
	}
	if host == (Host{}) {
		return nil
	}
	return &host
}

func newHostCPU(c *metrics.HostCPU) *HostCPU {
	u := &c.Total
	known := func(field metrics.CPUUseFields, d time.Duration) *float64 {
		if !u.Have.Has(field) {
			return nil
		}
		return new(d.Seconds())
	}
	return &HostCPU{
		Processors: len(c.Each),
		User:       u.User.Seconds(), System: u.System.Seconds(), Idle: u.Idle.Seconds(),
		Nice: known(metrics.CPUNice, u.Nice), IOWait: known(metrics.CPUIOWait, u.IOWait), IRQ: known(metrics.CPUIRQ, u.IRQ),
		SoftIRQ: known(metrics.CPUSoftIRQ, u.SoftIRQ), Steal: known(metrics.CPUSteal, u.Steal),
	}
}

// Use converts back, for percentages of the time between two readings.
func (c *HostCPU) Use() metrics.CPUUse {
	var u metrics.CPUUse
	for _, part := range []struct {
		to    *time.Duration
		from  *float64
		field metrics.CPUUseFields
	}{
		{&u.User, &c.User, 0}, {&u.System, &c.System, 0}, {&u.Idle, &c.Idle, 0}, {&u.Nice, c.Nice, metrics.CPUNice},
		{&u.IOWait, c.IOWait, metrics.CPUIOWait}, {&u.IRQ, c.IRQ, metrics.CPUIRQ},
		{&u.SoftIRQ, c.SoftIRQ, metrics.CPUSoftIRQ}, {&u.Steal, c.Steal, metrics.CPUSteal},
	} {
		if part.from != nil {
			*part.to = time.Duration(*part.from * float64(time.Second))
			u.Have |= part.field
		}
	}
	return u
}
