package httpd

import (
	"net/http"

	"sluice/httpd/internal/plan"
)

// crossOrigin refuses the requests that a browser sends for a page of another origin.
var crossOrigin http.CrossOriginProtection

var otherOrigin = plan.Refusal{Status: http.StatusForbidden, Reason: "A page of another origin may change nothing here."}

// checkOrigin is the function checkOrigin, but lets pages of an origin that CORS names do
// what every guest may, by requests with neither a password nor a cookie.
//
// With a cookie they may not, although browsers send one of SameSite=Lax for no page of
// another site: a page of another host of the same site could act for the user.
func (h *Handler) checkOrigin(r *http.Request) *plan.Refusal {
	isGuest := len(r.Header["Authorization"]) == 0 && len(r.Header["Cookie"]) == 0
	if origin := r.Header["Origin"]; isGuest && len(origin) == 1 && plan.NamesOrigin(h.CORS, origin[0]) {
		return nil
	}
	return checkOrigin(r)
}

// checkOrigin returns the response to a request with a method that is not safe, if a
// browser sends it for a page of another origin. It holds for every such method, and
// whatever the client has logged in with: Basic, a cookie, or nothing.
func checkOrigin(r *http.Request) *plan.Refusal {
	if crossOrigin.Check(r) != nil {
		return &otherOrigin
	}
	return nil
}
