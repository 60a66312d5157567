package httpd

import (
	"net/http"

	"sluice/httpd/internal/plan"
)

// crossOrigin refuses the requests that a browser sends for a page of another origin.
var crossOrigin http.CrossOriginProtection

var otherOrigin = plan.Refusal{Status: http.StatusForbidden, Reason: "A page of another origin may change nothing here."}

// checkOrigin returns the response to a request with a method that is not safe, if a
// browser sends it for a page of another origin. It holds for every such method, and
// whatever the client has logged in with: Basic, a cookie, or nothing.
func checkOrigin(r *http.Request) *plan.Refusal {
	if crossOrigin.Check(r) != nil {
		return &otherOrigin
	}
	return nil
}
