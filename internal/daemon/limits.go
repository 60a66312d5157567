package daemon

import (
	"context"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/account"
	"sluice/internal/rate"
)

// sharedLimits are the limits of all transfers together, one for each direction,
// which all servers share; nil: no limit.
type sharedLimits struct{ down, up *rate.Limit }

func (d *daemon) makeLimits() {
	if maxRate := int64(d.conf.Rates.MaxRate); maxRate > 0 {
		d.limits = sharedLimits{down: rate.New(maxRate), up: rate.New(maxRate)}
	}
}

// limitHTTP sets the limits of a Handler. guestRate bounds all guests together, by FTP too,
// in bytes per second; 0: no limit.
func (d *daemon) limitHTTP(h *httpd.Handler, guestRate int64) {
	d.limitTransfers(h)
	if perGuest := int64(d.conf.Rates.AnonymousMaxRate); perGuest > 0 && (h.MaxRate == 0 || perGuest < h.MaxRate) {
		h.MaxRate = perGuest
	}
	if guests := rate.OfUser(&d.userRates, account.Anonymous, guestRate); guests != nil {
		h.Limiter, h.UploadLimiter = withLimit(&guests.Down, h.Limiter), withLimit(&guests.Up, h.UploadLimiter)
	}
}

// withLimit returns a Limiter that keeps to both; other may be nil.
func withLimit(one, other httpd.Limiter) httpd.Limiter {
	if other == nil {
		return one
	}
	return bothLimiters{one, other}
}

// limitTransfers sets the limits of a Handler that hold for guests and users.
func (d *daemon) limitTransfers(h *httpd.Handler) {
	h.MaxRate, h.RateAfter = int64(d.conf.Rates.MaxRatePerTransfer), int64(d.conf.Rates.RateAfter)
	if d.limits.down != nil {
		h.Limiter, h.UploadLimiter = d.limits.down, d.limits.up
	}
}

// bothLimiters is a Limiter that keeps to two limits.
type bothLimiters struct{ first, second httpd.Limiter }

// Wait implements httpd.Limiter.
func (b bothLimiters) Wait(ctx context.Context, n int) (int, error) {
	granted, err := b.first.Wait(ctx, n)
	if err != nil {
		return 0, err
	}
	n, err = b.second.Wait(ctx, granted)
	if err != nil {
		n = 0
	}
	if n < granted {
		b.first.Return(granted - n)
	}
	return n, err
}

// Return implements httpd.Limiter.
func (b bothLimiters) Return(n int) {
	b.first.Return(n)
	b.second.Return(n)
}

// limitFTP sets the limits of a Server.
func (d *daemon) limitFTP(s *ftpd.Server) {
	r := d.conf.Rates
	s.MaxRate, s.RateAfter = int64(r.MaxRatePerTransfer), int64(r.RateAfter)
	if d.limits.down != nil {
		s.Limiter, s.UploadLimiter = d.limits.down, d.limits.up
	}
}
