package admin

import "sluice/internal/status"

// Readings of the host, whose listeners and processors serve other programs too.
var (
	hostCPU       = counter(namespace+"host_cpu_seconds_total", "Time of all processors of the host since boot, by what they did with it.", "mode")
	hostOverflows = counter(namespace+"host_listen_overflows_total", "Handshakes that ended while the queue of their listener was full, of all listeners of the network namespace.")
	hostDrops     = counter(namespace+"host_listen_drops_total", "Connections that the listeners of the network namespace refused for any reason, overflows included.")

	hostFamilies = []family{hostCPU, hostOverflows, hostDrops}
)

func (e emitter) host(h *status.Host) {
	if h == nil {
		return
	}
	emitKnown(e, hostOverflows, h.ListenOverflows)
	emitKnown(e, hostDrops, h.ListenDrops)
	if c := h.CPU; c != nil {
		for mode, seconds := range map[string]*float64{
			"user": &c.User, "nice": c.Nice, "system": &c.System, "idle": &c.Idle, "iowait": c.IOWait, "irq": c.IRQ, "softirq": c.SoftIRQ, "steal": c.Steal,
		} {
			emitKnown(e, hostCPU, seconds, mode)
		}
	}
}
