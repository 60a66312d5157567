package main

import (
	"github.com/spf13/cobra"

	"sluice/internal/config"
)

// addRateFlags adds the limits of bandwidth.
func addRateFlags(cmd *cobra.Command, conf *config.Config) {
	f, r := cmd.Flags(), &conf.Rates
	f.Var(&r.MaxRate, "max-rate", "let all transfers together take `BYTES` a second, such as 10MB, in each direction; 0: no limit")
	f.Var(&r.MaxRatePerTransfer, "max-rate-per-transfer", "let each transfer take `BYTES` a second; 0: no limit")
	f.Var(&r.AnonymousMaxRate, "anonymous-max-rate", "let a transfer of a client without a login take no more than `BYTES` a second; 0: no limit of its own")
	f.Var(&r.RateAfter, "rate-after", "let the first `BYTES` of a transfer go without the limits for each")
}
