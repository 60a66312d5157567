package ftpd

import (
	"sync"

	"sluice/internal/rate"
	"sluice/sendfile"
)

// maxRate returns the limit of each transfer of u from srv, in bytes per second; 0: none.
func (u *user) maxRate(srv *Server) int64 {
	ofServer, ofUser := srv.MaxRate, u.account.MaxRatePerTransfer
	if ofUser > 0 && (ofServer <= 0 || ofUser < ofServer) {
		return ofUser
	}
	return ofServer
}

// isLimited reports whether a rate limit holds for downloads of u from srv.
func (u *user) isLimited(srv *Server) bool {
	return u.maxRate(srv) > 0 || u.account.MaxRate > 0 || srv.Limiter != nil
}

// limit makes opt apply all rate limits of the transfer. size is in bytes; negative: not
// known. Call beginLive first.
func (t *transfer) limit(opt *sendfile.Options, upload bool, size int64) {
	u, srv := t.user, t.server
	serverLimit := srv.Limiter
	if upload {
		serverLimit = srv.UploadLimiter
	}
	var userLimit rate.Limiter
	if most := u.account.MaxRate; most > 0 {
		userLimit = srv.limits.get(limitKey{u.name, most, upload})
	}
	t.throttle = rate.Begin(size, rate.PerTransfer{Rate: u.maxRate(srv), After: srv.RateAfter}, userLimit, serverLimit)
	opt.Wait = t.liveEntry.Limited(t.throttle.Hook())
}

// userLimits has the shared limits of users that have had a transfer. Entries are never
// removed, so that a user cannot get a fresh limit by reconnecting.
type userLimits struct {
	mu    sync.Mutex // guards the field below
	limit map[limitKey]*rate.Limit
}

// limitKey is a user and a direction. It includes the rate, which may differ at the
// user's next login.
type limitKey struct {
	name   string
	rate   int64
	upload bool
}

// get returns the limit that all transfers with the key share.
func (u *userLimits) get(key limitKey) *rate.Limit {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.limit[key]
	if l == nil {
		if u.limit == nil {
			u.limit = make(map[limitKey]*rate.Limit)
		}
		l = rate.New(key.rate)
		u.limit[key] = l
	}
	return l
}
