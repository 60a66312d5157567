package config

import (
	"cmp"
	"errors"
)

// RateOptions limit bandwidth, in bytes per second. 0: no limit.
type RateOptions struct {
	MaxRate            Bytes // of all transfers together, in each direction
	MaxRatePerTransfer Bytes // of each transfer
	AnonymousMaxRate   Bytes // of each transfer of a client without a login, if lower
	RateAfter          Bytes // first bytes of a transfer that its limits do not count
}

// checkRates is Check for rates.
func (c Config) checkRates() error {
	r := c.Rates
	if r.RateAfter > 0 && cmp.Or(r.MaxRatePerTransfer, r.AnonymousMaxRate) == 0 {
		return errors.New("--rate-after is of no use without --max-rate-per-transfer or --anonymous-max-rate")
	}
	if r.AnonymousMaxRate > 0 && !c.Anonymous {
		return errors.New("--anonymous-max-rate is of no use with --anonymous=false")
	}
	return nil
}
