package daemon

import (
	"context"
	"errors"
	"testing"

	"sluice/internal/account"
	"sluice/internal/config"
)

// countingLimiter grants up to most bytes at a time and counts them.
type countingLimiter struct {
	most, granted int
	err           error
}

func (c *countingLimiter) Wait(_ context.Context, n int) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n = min(n, c.most)
	c.granted += n
	return n, nil
}

func (c *countingLimiter) Return(n int) { c.granted -= n }

func TestBothLimitersHold(t *testing.T) {
	over := errors.New("over")
	for _, tt := range []struct {
		name          string
		first, second countingLimiter
		want          int
		err           error
	}{
		{"the first grants less", countingLimiter{most: 10}, countingLimiter{most: 20}, 10, nil},
		{"the second grants less", countingLimiter{most: 20}, countingLimiter{most: 10}, 10, nil},
		{"the first ends", countingLimiter{err: over}, countingLimiter{most: 10}, 0, over},
		{"the second ends", countingLimiter{most: 10}, countingLimiter{err: over}, 0, over},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := bothLimiters{&tt.first, &tt.second}
			n, err := l.Wait(t.Context(), 100)
			if n != tt.want || !errors.Is(err, tt.err) || tt.first.granted != n || tt.second.granted != n {
				t.Errorf("granted %d, %v; the limiters counted %d and %d; want %d", n, err, tt.first.granted, tt.second.granted, tt.want)
			}
			l.Return(n)
			if tt.first.granted != 0 || tt.second.granted != 0 {
				t.Errorf("after Return, %d and %d are left", tt.first.granted, tt.second.granted)
			}
		})
	}
}

func TestGuestLimitsHoldInHTTP(t *testing.T) {
	guest := account.Account{Name: account.Anonymous, Rights: account.ReadOnly, MaxRate: 1000}
	for _, tt := range []struct {
		name    string
		guest   account.Account
		rates   config.RateOptions
		maxRate int64
		limited bool
		two     bool
	}{
		{"none", account.Account{}, config.RateOptions{}, 0, false, false},
		{"for all guests together", guest, config.RateOptions{}, 0, true, false},
		{"and for all clients", guest, config.RateOptions{MaxRate: 5000}, 0, true, true},
		{"for each transfer", account.Account{}, config.RateOptions{MaxRatePerTransfer: 300}, 300, false, false},
		{"less for guests", account.Account{}, config.RateOptions{MaxRatePerTransfer: 300, AnonymousMaxRate: 200}, 200, false, false},
		{"not more for guests", account.Account{}, config.RateOptions{MaxRatePerTransfer: 300, AnonymousMaxRate: 400}, 300, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newPages(t, tt.guest, func(c *config.Config) { c.Rates = tt.rates })
			d.updatePages()
			h := d.pages.current()
			_, two := h.Limiter.(bothLimiters)
			if h.MaxRate != tt.maxRate || (h.Limiter != nil) != tt.limited || two != tt.two {
				t.Errorf("MaxRate %d, Limiter %T", h.MaxRate, h.Limiter)
			}
		})
	}
}
