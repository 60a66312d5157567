package daemon

import (
	"context"
	"log/slog"
	"time"

	"sluice/internal/mounts"
)

// hungMounts remembers which file systems do not answer.
type hungMounts map[string]bool // by mount point

// patienceAtStart is how long the served directory may take to be opened unnoticed.
const patienceAtStart = 5 * time.Second

// logSlowStart logs if the served directory cannot be opened soon: its file system may not
// answer. The start waits for it, as a server of files may come up later than this one.
// The caller calls opened when that is over.
func (d *daemon) logSlowStart() (opened func()) {
	timer := time.AfterFunc(patienceAtStart, func() {
		d.logger.Warn("the served directory cannot be opened yet, because its file system does not answer; the start waits for it", "root", d.conf.Root)
	})
	return func() { timer.Stop() }
}

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
