package httpd

import "net/http"

// withoutFiles returns the Handler for guests that Server.Guests refuses, in place of h.
func (s *Server) withoutFiles(h *Handler) *Handler {
	if s.Guests == nil || h == nil {
		return nil
	}
	empty := h.withOptions()
	if s.Login != nil {
		s.accounts.adopt(empty, s.accountOptions(h))
	}
	return empty
}

// admitted returns guest, or the Handler without files if the client of r is at no
// address of guests.
func (s *Server) admitted(guest *Handler, r *http.Request) *Handler {
	if s.Guests == nil {
		return guest
	}
	_, c := connOf(r.Context())
	if s.Guests(clientOf(s, c, r).Addr()) {
		return guest
	}
	return s.empty.Load()
}
