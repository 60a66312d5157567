package admin

import (
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
	return st
}
