package admin

import (
	"sluice/internal/budget"
	"sluice/internal/live"
	"sluice/internal/status"
)

// Status returns the status as of now.
func (h *Handler) Status() status.Status {
	h.once.Do(h.prepare)
	st := status.Status{Snapshot: live.Snapshot(h.Live), Server: status.ThisServer(h.self)}
	s := &st.Server
	s.Version, s.Draining, s.Contained = h.Version, h.draining.Load(), h.Contained
	for _, q := range h.queues {
		s.AddListener(q.protocol, q.address, q.backlog)
	}
	if h.Cache != nil {
		c := h.Cache()
		s.Cache = &status.Cache{Entries: c.Entries, Files: c.Files, Memory: c.Memory, Opens: c.Opens}
	}
	if h.PassivePorts != nil {
		used, total := h.PassivePorts()
		s.Passive = &status.PassivePorts{Used: used, Total: total}
	}
	if h.Budget != nil {
		for _, p := range h.Budget.Pools() {
			s.Budget = append(s.Budget, poolOf(p))
		}
	}
	if h.Mounts != nil {
		for _, m := range h.Mounts() {
			if m.Hung || m.Refused > 0 { // the others are none of the operator's concern
				s.Mounts = append(s.Mounts, status.Mount{Point: m.Point, Calls: m.Inside, Waiting: m.Waiting, Hung: m.Hung, Refused: m.Refused})
			}
		}
	}
	return st
}

// maxQueue bounds the waits of a pool that are shown.
const maxQueue = 20

func poolOf(p *budget.Pool) status.Pool {
	s := p.Stats()
	pool := status.Pool{
		Name: s.Name, Size: s.Size, InUse: s.InUse, Waiting: s.Waiting,
		Waits: s.Waited, Waited: s.WaitTime.Seconds(), Refused: s.Refused,
	}
	if s.Waiting == 0 {
		return pool
	}
	for _, w := range p.Waits() {
		if len(pool.Queue) == maxQueue {
			break
		}
		pool.Queue = append(pool.Queue, status.Wait{Client: w.Party.String(), By: w.By.String(), Since: w.Since.UTC()})
	}
	return pool
}
