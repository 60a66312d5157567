package ftpd

import (
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
	switch limit := rate.OfUser(srv.userRates(), u.name, u.account.MaxRate); {
	case limit == nil:
	case upload:
		userLimit = &limit.Up
	default:
		userLimit = &limit.Down
	}
	t.throttle = rate.Begin(size, rate.PerTransfer{Rate: u.maxRate(srv), After: srv.RateAfter}, userLimit, serverLimit)
	opt.Wait = t.liveEntry.Limited(t.throttle.Hook())
}

// userRates returns the UserRates in use.
func (s *Server) userRates() *UserRates {
	if s.UserRates != nil {
		return s.UserRates
	}
	return &s.ownRates
}
