package daemon

import (
	"context"
	"log/slog"
	"time"

	"sluice/internal/mounts"
)

// hungMounts remembers which file systems do not answer.
type hungMounts map[string]bool // by mount point

// watchMounts logs which file systems stop to answer, and which answer again, until ctx
// ends.
func (d *daemon) watchMounts(ctx context.Context) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	hung := make(hungMounts)
	for {
		select {
		case <-ticks.C:
			hung.update(d.logger, mounts.Busy())
		case <-ctx.Done():
			return
		}
	}
}

// update logs what has changed. states has all mounts that hang.
func (h hungMounts) update(logger *slog.Logger, states []mounts.State) {
	now := make(map[string]mounts.State)
	for _, s := range states {
		if s.Hung {
			now[s.Point] = s
		}
	}
	for point, s := range now {
		if !h[point] {
			h[point] = true
			logger.Warn("a file system does not answer: requests for its files are refused with 503 and 450", "mount", point, "calls", s.Inside)
		}
	}
	for point := range h {
		if _, isHung := now[point]; !isHung {
			delete(h, point)
			logger.Info("a file system answers again, or is no longer mounted", "mount", point)
		}
	}
}
