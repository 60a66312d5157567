package httpd

import (
	"net/http"
	"net/netip"
	"time"

	"sluice/httpd/internal/plan"
)

// BoundArchives sets the bounds of archives.
func BoundArchives(h *Handler, each int, atOnce int64) {
	p := h.prepared().Planner
	p.MaxArchived, p.MaxArchivedAtOnce = each, atOnce
}

// BoundListings sets the bound of listings.
func BoundListings(h *Handler, atOnce int64) { h.prepared().Planner.MaxListedAtOnce = atOnce }

// Planner returns a function that plans the response to r and returns its status.
func Planner(h *Handler, r *http.Request) func() int {
	request := requestOf(r)
	return func() int {
		pl := h.prepared().Planner.Plan(&request, plan.Lookup{})
		resp := pl.Respond(r.Context())
		resp.Release()
		return resp.Status
	}
}

// BoundBodies sets the bound of bodies that are dropped and returns what undoes it.
func BoundBodies(limit time.Duration) (undo func()) {
	old := requestTimeout
	requestTimeout = limit
	return func() { requestTimeout = old }
}

// SetDevNull changes the name of the file that spare descriptors are of, until undo.
func SetDevNull(name string) (undo func()) {
	before := devNull
	devNull = name
	return func() { devNull = before }
}

// ClientOf returns the client on whose behalf a proxy sends a request.
func (s *Server) ClientOf(remote netip.AddrPort, forwardedFor, forwarded []string) netip.AddrPort {
	return s.clientOf(remote, forwardedFor, forwarded)
}

// ParseDigests returns the number of checksums.
func ParseDigests(lines ...string) (int, error) {
	all, err := parseDigests(lines...)
	return len(all), err
}

// ParseMtime parses X-OC-Mtime.
var ParseMtime = parseMtime
