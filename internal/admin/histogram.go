package admin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/live"
)

// histograms are of ended transfers and of waits for the disk.
type histograms struct {
	duration, rate, sync *prometheus.HistogramVec
}

func newHistograms() histograms {
	labels := []string{"protocol", "direction"}
	h := histograms{
		sync: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    namespace + "sync_duration_seconds",
			Help:    "Time to sync a file, or the names in a directory, to disk.",
			Buckets: []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 3, 10, 30},
		}, []string{"what"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    namespace + "transfer_duration_seconds",
			Help:    "Duration of transfers, with any result.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100, 300, 1000, 3600},
		}, labels),
		rate: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    namespace + "transfer_rate_bytes_per_second",
			Help:    "Average rate of transfers that moved at least a byte.",
			Buckets: []float64{1e3, 1e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10},
		}, labels),
	}
	for _, what := range syncKinds {
		h.sync.WithLabelValues(what) // starts at 0, so alerts never see an absent series
	}
	return h
}

// syncKinds are the values of the label what, by whether it is a directory.
var syncKinds = map[bool]string{false: "file", true: "directory"}

func (h histograms) observeSync(directory bool, took time.Duration) {
	h.sync.WithLabelValues(syncKinds[directory]).Observe(took.Seconds())
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
