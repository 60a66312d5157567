//go:build !aix

package top

import (
	"strings"
	"testing"

	"sluice/internal/status"
)

func TestTheHeaderShowsWhatTheProcessorsOfTheHostDo(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after *status.HostCPU
		want          string // "": nothing about the host
	}{
		{"all parts", &status.HostCPU{User: 10, System: 10, Idle: 100, IOWait: new(1.0), Steal: new(2.0)}, &status.HostCPU{User: 12, System: 11, Idle: 104, IOWait: new(3.0), Steal: new(3.0)}, "host CPU 40% (user 20%, system 10%, iowait 20%, steal 10%)"},
		{"only what is more than a percent", &status.HostCPU{}, &status.HostCPU{User: 50, Idle: 50, Steal: new(0.1)}, "host CPU 50% (user 50%)"},
		{"an idle host", &status.HostCPU{Idle: 1}, &status.HostCPU{Idle: 11}, "host CPU 0%"},
		{"no time has passed", &status.HostCPU{Idle: 1}, &status.HostCPU{Idle: 1}, ""},
		{"unknown", nil, nil, ""},
		{"unknown before", nil, &status.HostCPU{Idle: 1}, ""},
	} {
		first, second := statusAfter(0), statusAfter(5)
		first.Server.Host, second.Server.Host = hostWith(tt.before), hostWith(tt.after)
		samples := addSample(addSample(nil, first), second)
		line := header(second, samples)[0]
		if strings.Contains(line, "host CPU") != (tt.want != "") || !strings.Contains(line, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, line, tt.want)
		}
	}
	if line := header(statusAfter(0), nil)[0]; strings.Contains(line, "host") {
		t.Errorf("without samples: got %q", line)
	}
}

func hostWith(cpu *status.HostCPU) *status.Host {
	if cpu == nil {
		return nil
	}
	return &status.Host{CPU: cpu}
}
