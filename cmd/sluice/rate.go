package main

import (
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

// limitWeb tells a Handler its limits.
func (b *builder) limitWeb(h *httpd.Handler) {
	r := b.conf.Rates
	h.MaxRate, h.RateAfter = int64(r.MaxRatePerTransfer), int64(r.RateAfter)
	if guests := int64(r.AnonymousMaxRate); guests > 0 && (h.MaxRate == 0 || guests < h.MaxRate) {
		h.MaxRate = guests
	}
	if b.limits.down != nil {
		h.Limiter = b.limits.down
	}
}

// limitFTP tells a Server its limits.
func (b *builder) limitFTP(s *ftpd.Server) {
	r := b.conf.Rates
	s.MaxRate, s.RateAfter = int64(r.MaxRatePerTransfer), int64(r.RateAfter)
	if b.limits.down != nil {
		s.Limiter, s.UploadLimiter = b.limits.down, b.limits.up
	}
}
