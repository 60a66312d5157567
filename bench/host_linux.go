package bench

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func (h *Host) fill() {
	h.Kernel = kernelRelease()
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		h.CPU, h.Virtual = parseCPUInfo(string(text))
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		h.Memory = uint64(info.Totalram) * uint64(info.Unit)
	}
	if text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control"); err == nil {
		h.Congestion = strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		h.Load = parseLoad(string(text))
	}
}

// parseCPUInfo returns the model of the first processor in /proc/cpuinfo, and
// whether it has the flag hypervisor, which only x86 has. Arm kernels name no
// model.
func parseCPUInfo(text string) (model string, virtual *bool) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "model name":
			if model == "" {
				model = value
			}
		case "flags":
			if virtual == nil {
				yes := strings.Contains(" "+value+" ", " hypervisor ")
				virtual = &yes
			}
		}
	}
	return model, virtual
}

// parseLoad returns the first figure of /proc/loadavg, or nil.
func parseLoad(text string) *float64 {
	first, _, _ := strings.Cut(text, " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return nil
	}
	return &load
}
