package bench

import (
	"fmt"
	"runtime"
	"strings"
)

// A Host is the machine of a report, as far as it matters for the figures. Facts
// that the system does not report are absent.
type Host struct {
	OS     string `json:"os"`               // as GOOS
	Arch   string `json:"arch"`             // as GOARCH
	Kernel string `json:"kernel,omitempty"` // release, as uname -r
	CPU    string `json:"cpu,omitempty"`    // model
	CPUs   int    `json:"cpus"`             // logical processors that this process may use
	Memory uint64 `json:"memory_bytes,omitempty"`
	Go     string `json:"go"` // version of Go that built the program

	// Congestion is the congestion control of new TCP connections.
	Congestion string `json:"tcp_congestion,omitempty"`
	// Virtual says whether the CPU reports a hypervisor.
	Virtual *bool `json:"virtual,omitempty"`
	// Load is the load average of the last minute, at the start.
	Load *float64 `json:"load_1min,omitempty"`
}

// ThisHost describes the machine that it runs on. It reads a few small files
// and never fails.
func ThisHost() Host {
	h := Host{
		OS:   runtime.GOOS,
		Arch: runtime.GOARCH,
		CPUs: runtime.NumCPU(),
		Go:   runtime.Version(),
	}
	h.fill()
	return h
}

// String returns the host on one line.
func (h Host) String() string {
	var parts []string
	for _, p := range h.pairs() {
		parts = append(parts, p.Name+" "+p.Value)
	}
	return strings.Join(parts, ", ")
}

// pairs returns the known facts in the order to show them.
func (h Host) pairs() []Pair {
	var pairs []Pair
	add := func(name, value string) {
		if value != "" {
			pairs = append(pairs, Pair{name, value})
		}
	}
	add("system", h.OS+"/"+h.Arch)
	add("kernel", h.Kernel)
	add("CPU", h.CPU)
	add("CPUs", fmt.Sprint(h.CPUs))
	if h.Memory > 0 {
		add("memory", fmt.Sprintf("%.1f GiB", float64(h.Memory)/(1<<30)))
	}
	if h.Virtual != nil {
		add("virtual machine", map[bool]string{true: "yes", false: "no"}[*h.Virtual])
	}
	add("TCP congestion control", h.Congestion)
	add("Go", h.Go)
	if h.Load != nil {
		add("load average at start", fmt.Sprintf("%.2f", *h.Load))
	}
	return pairs
}
