package metrics

import (
	"fmt"
	"time"
)

// CPUs describes the processors of the host.
type CPUs struct {
	Logical  int     // hardware threads that are online
	Physical int     // cores; 0: unknown
	Quota    float64 // CPU limit of the cgroups of this process, in processors, like 1.5; 0: none, or unknown
}

// CPUs counts the processors. The numbers may change while the host runs.
func (h Host) CPUs() (CPUs, error) {
	c, err := h.cpus()
	if err != nil {
		return CPUs{}, fmt.Errorf("metrics: cpus: %w", err)
	}
	return c, nil
}

// BootTime returns when the host was started, by the present wall clock: the
// result changes when that clock is set. To measure intervals use Snapshot.At,
// which has a monotonic clock reading.
func (h Host) BootTime() (time.Time, error) {
	t, err := h.boot()
	if err != nil {
		return time.Time{}, fmt.Errorf("metrics: boot time: %w", err)
	}
	return t, nil
}
