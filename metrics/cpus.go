package metrics

import (
	"fmt"
	"time"
)

// CPUs are the processors of the host.
type CPUs struct {
	Logical  int     // that are on line: hardware threads
	Physical int     // cores; 0: not told
	Quota    float64 // as many a cgroup lets this process and its kin use, as 1.5; 0: no bound that is told
}

// CPUs counts the processors. They may change while the host runs.
func (h Host) CPUs() (CPUs, error) {
	c, err := h.cpus()
	if err != nil {
		return CPUs{}, fmt.Errorf("metrics: cpus: %w", err)
	}
	return c, nil
}

// BootTime is when the host was started, by the wall clock of now: it follows
// when that is set. For intervals there is Snapshot.At, which does not.
func (h Host) BootTime() (time.Time, error) {
	t, err := h.boot()
	if err != nil {
		return time.Time{}, fmt.Errorf("metrics: boot time: %w", err)
	}
	return t, nil
}
