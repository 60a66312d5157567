package httpd

import (
	"context"
	"net/http"
	"net/netip"
	"sluice/httpd/internal/drive"
	"time"

	"sluice/httpd/internal/plan"
	"sluice/internal/account"
	"sluice/internal/budget"
)

// BoundArchives sets the bounds of archives.
func BoundArchives(h *Handler, each int, atOnce int64) {
	p := h.prepared().Planner
	p.MaxArchived = each
	p.Budget.Entries.SetBounds(budget.Bounds{Size: atOnce})
}

// BoundListings sets the bound of listings.
func BoundListings(h *Handler, atOnce int64) {
	h.prepared().Planner.Budget.Listed.SetBounds(budget.Bounds{Size: atOnce})
}

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

// DelayLogins sets the time until a wrong password is answered and returns what undoes it.
func DelayLogins(delay time.Duration) (undo func()) {
	old := loginDelay
	loginDelay = delay
	return func() { loginDelay = old }
}

// CheckHomesAtOnce makes each request look whether a home was replaced, until undo.
func CheckHomesAtOnce() (undo func()) {
	old := checkHome
	checkHome = 0
	return func() { checkHome = old }
}

// FailedLogins bounds logins.
type FailedLogins = failedLogins

// NewFailedLogins returns a FailedLogins with a Throttle of its own.
func NewFailedLogins() *FailedLogins { return &failedLogins{throttle: new(Throttle)} }

// Succeeded records that a user has logged in from an address.
func (f *failedLogins) Succeeded(user string, client netip.Addr) { f.throttle.Succeeded(user, client) }

// Enter is called before a password is checked.
func (f *failedLogins) Enter(ctx context.Context, client netip.Addr, user, password string) (leave func(failed bool) (banned bool), retryAfter time.Duration) {
	return f.enter(ctx, client, user, password)
}

// The bounds of failedLogins, and of the Handlers of accounts.
const (
	MaxLogins          = maxLogins
	MaxWaitingLogins   = maxWaitingLogins
	MaxFailedLogins    = account.MaxFailed
	LoginBan           = loginBan
	MaxAccountHandlers = maxAccountHandlers
)

// AccountHandlers returns the number of Handlers that are kept for accounts.
func (s *Server) AccountHandlers() int { return len(s.accounts.list()) }

// BasicLogin parses the lines of the field Authorization; status is 0 if they are valid.
func BasicLogin(lines []string) (user, password string, status int) {
	user, password, refusal := basicLogin(lines)
	if refusal != nil {
		status = refusal.Status
	}
	return user, password, status
}

// WithOptions returns a Handler with the options of h.
func (h *Handler) WithOptions() *Handler { return h.withOptions() }

// BoundBodies sets the bound of bodies that are dropped and returns what undoes it.
func BoundBodies(limit time.Duration) (undo func()) {
	old := requestTimeout
	requestTimeout = limit
	return func() { requestTimeout = old }
}

// SetDevNull changes the name of the file that spare descriptors are of, until undo.
func SetDevNull(name string) (undo func()) {
	return drive.SetDevNull(name)
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

var (
	ParseMetadata = parseMetadata
	ParseBoolean  = parseBoolean
	BaseName      = baseName
)

// ParseNumber parses the value of Upload-Length.
func ParseNumber(value string) (int64, error) {
	return number(http.Header{"Upload-Length": {value}}, "Upload-Length")
}

// ParseTusChecksum parses the value of Upload-Checksum.
func ParseTusChecksum(value string) error {
	return parseTusChecksum(new(uploadRequest), []string{value})
}

// SetMaxUnsure sets how long a response is made for a client that may have left.
func (s *Server) SetMaxUnsure(d time.Duration) { s.maxUnsure = d }
