package main

import (
	"context"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/rate"
)

// limits are those of all transfers together, for each direction one that the
// servers share; nil: there is none.
type limits struct{ down, up *rate.Limit }

func (b *builder) makeLimits() {
	if most := int64(b.conf.Rates.MaxRate); most > 0 {
		b.limits = limits{down: rate.New(most), up: rate.New(most)}
	}
}

// limitWeb tells a Handler its limits: those of all, and of guests who may take most bytes a
// second together; 0: any number.
func (b *builder) limitWeb(h *httpd.Handler, most int64) {
	r := b.conf.Rates
	h.MaxRate, h.RateAfter = int64(r.MaxRatePerTransfer), int64(r.RateAfter)
	if guests := int64(r.AnonymousMaxRate); guests > 0 && (h.MaxRate == 0 || guests < h.MaxRate) {
		h.MaxRate = guests
	}
	if b.limits.down != nil {
		h.Limiter = b.limits.down
	}
	switch guests := httpd.NewLimiter(most); {
	case guests == nil:
	case h.Limiter == nil:
		h.Limiter = guests
	default:
		h.Limiter = both{guests, h.Limiter}
	}
}

// both is two limits that hold at the same time.
type both struct{ first, second httpd.Limiter }

// Wait implements httpd.Limiter.
func (b both) Wait(ctx context.Context, n int) (int, error) {
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
func (b both) Return(n int) {
	b.first.Return(n)
	b.second.Return(n)
}

// limitFTP tells a Server its limits.
func (b *builder) limitFTP(s *ftpd.Server) {
	r := b.conf.Rates
	s.MaxRate, s.RateAfter = int64(r.MaxRatePerTransfer), int64(r.RateAfter)
	if b.limits.down != nil {
		s.Limiter, s.UploadLimiter = b.limits.down, b.limits.up
	}
}
