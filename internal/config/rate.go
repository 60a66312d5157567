package config

import (
	"cmp"
	"errors"
)

// RateOptions are the limits of bandwidth, in bytes per second where nothing
// else is said. 0: no limit.
type RateOptions struct {
	MaxRate            Bytes // of all transfers together, in each direction
	MaxRatePerTransfer Bytes // of each transfer
	AnonymousMaxRate   Bytes // of each transfer of an client without a login, if that is less
	RateAfter          Bytes // how many bytes of a transfer the limits of each do not hold back
}

// checkRates is what Check says of them.
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
