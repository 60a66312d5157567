package main

import (
	"context"
	"errors"
	"testing"

	"sluice/internal/account"
	"sluice/internal/config"
)

// counting is a limit that grants some bytes at a time, and notes how many have gone.
type counting struct {
	most, gone int
	err        error
}

func (c *counting) Wait(_ context.Context, n int) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n = min(n, c.most)
	c.gone += n
	return n, nil
}

func (c *counting) Return(n int) { c.gone -= n }

func TestTwoLimitsHoldAtTheSameTime(t *testing.T) {
	over := errors.New("over")
	for _, tt := range []struct {
		name          string
		first, second counting
		want          int
		err           error
	}{
		{"the first grants less", counting{most: 10}, counting{most: 20}, 10, nil},
		{"the second grants less", counting{most: 20}, counting{most: 10}, 10, nil},
		{"the first ends", counting{err: over}, counting{most: 10}, 0, over},
		{"the second ends", counting{most: 10}, counting{err: over}, 0, over},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := both{&tt.first, &tt.second}
			n, err := l.Wait(t.Context(), 100)
			if n != tt.want || !errors.Is(err, tt.err) || tt.first.gone != n || tt.second.gone != n {
				t.Errorf("granted %d, %v, of which the limits know %d and %d; want %d", n, err, tt.first.gone, tt.second.gone, tt.want)
			}
			l.Return(n)
			if tt.first.gone != 0 || tt.second.gone != 0 {
				t.Errorf("given back, %d and %d are left", tt.first.gone, tt.second.gone)
			}
		})
	}
}

func TestTheLimitsOfGuestsHoldByHTTP(t *testing.T) {
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
		{"that of all guests together", guest, config.RateOptions{}, 0, true, false},
		{"and that of everybody", guest, config.RateOptions{MaxRate: 5000}, 0, true, true},
		{"that of each transfer", account.Account{}, config.RateOptions{MaxRatePerTransfer: 300}, 300, false, false},
		{"less for guests", account.Account{}, config.RateOptions{MaxRatePerTransfer: 300, AnonymousMaxRate: 200}, 200, false, false},
		{"not more for guests", account.Account{}, config.RateOptions{MaxRatePerTransfer: 300, AnonymousMaxRate: 400}, 300, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := showing(t, tt.guest, func(c *config.Config) { c.Rates = tt.rates })
			b.show()
			h := b.pages.current()
			_, two := h.Limiter.(both)
			if h.MaxRate != tt.maxRate || (h.Limiter != nil) != tt.limited || two != tt.two {
				t.Errorf("MaxRate %d, Limiter %T", h.MaxRate, h.Limiter)
			}
		})
	}
}
