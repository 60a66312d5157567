package ftpd

import (
	"sync"

	"sluice/internal/rate"
	"sluice/sendfile"
)

// maxRate is the bytes per second that each transfer of u may take from srv; 0:
// there is no limit.
func (u *user) maxRate(srv *Server) int64 {
	ofServer, ofUser := srv.MaxRate, u.account.MaxRatePerTransfer
	if ofUser > 0 && (ofServer <= 0 || ofUser < ofServer) {
		return ofUser
	}
	return ofServer
}

// isLimited reports whether a download of u from srv may have to wait for a limit
// of ours.
func (u *user) isLimited(srv *Server) bool {
	return u.maxRate(srv) > 0 || u.account.MaxRate > 0 || srv.Limiter != nil
}

// limit makes opt keep a transfer of size bytes, negative if that is not known,
// to all limits that hold for it. It must be watched before.
func (t *transfer) limit(opt *sendfile.Options, upload bool, size int64) {
	u, srv := t.user, t.server
	all := srv.Limiter
	if upload {
		all = srv.UploadLimiter
	}
	var ofUser rate.Limiter
	if most := u.account.MaxRate; most > 0 {
		ofUser = srv.limits.get(limitKey{u.name, most, upload})
	}
	t.throttle = rate.Begin(size, rate.Own{Rate: u.maxRate(srv), After: srv.RateAfter}, ofUser, all)
	opt.Wait = t.liveEntry.Limited(t.throttle.Hook())
}

// userLimits are the limits of users, once they have had a transfer. They stay:
// who comes back at once has no fresh one.
type userLimits struct {
	mu    sync.Mutex // guards the field below
	limit map[limitKey]*rate.Limit
}

// limitKey is a direction of a user, at a rate, which may be another at the next
// login.
type limitKey struct {
	name   string
	rate   int64
	upload bool
}

// of returns what all transfers of a key share.
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
