package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/live"
)

// histograms are of transfers that have ended.
type histograms struct {
	duration, rate *prometheus.HistogramVec
}

func newHistograms() histograms {
	labels := []string{"protocol", "direction"}
	return histograms{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    namespace + "transfer_duration_seconds",
			Help:    "How long transfers took, however they ended.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100, 300, 1000, 3600},
		}, labels),
		rate: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    namespace + "transfer_rate_bytes_per_second",
			Help:    "How fast transfers were on average that have moved anything.",
			Buckets: []float64{1e3, 1e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10},
		}, labels),
	}
}

func (h histograms) observe(rec *live.Record) {
	protocol, direction := rec.Protocol.String(), "out"
	if rec.Upload {
		direction = "in"
	}
	seconds := rec.Duration.Seconds()
	h.duration.WithLabelValues(protocol, direction).Observe(seconds)
	if rec.Sent > 0 && seconds > 0 {
		h.rate.WithLabelValues(protocol, direction).Observe(float64(rec.Sent) / seconds)
	}
}
