package status

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/metrics"
)

func TestHostCPUIsConvertedBothWays(t *testing.T) {
	all := metrics.CPUNice | metrics.CPUIOWait | metrics.CPUIRQ | metrics.CPUSoftIRQ | metrics.CPUSteal
	for name, use := range map[string]metrics.CPUUse{
		"all parts":       {User: time.Second, Nice: 2 * time.Second, System: 3 * time.Second, Idle: 4 * time.Second, IOWait: 5 * time.Second, IRQ: 6 * time.Second, SoftIRQ: 7 * time.Second, Steal: 8 * time.Second, Have: all},
		"those of all":    {User: time.Second, System: 3 * time.Second, Idle: 4 * time.Second},
		"a zero is known": {User: time.Second, Have: metrics.CPUSteal},
	} {
		if diff := cmp.Diff(use, newHostCPU(&metrics.HostCPU{Total: use}).Use()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	if c := newHostCPU(&metrics.HostCPU{Each: make([]metrics.CPUUse, 3)}); c.Processors != 3 || c.Steal != nil {
		t.Errorf("got %+v, want 3 processors and no stolen time", c)
	}
}
