package bench

import hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"

// ladder is the percentiles of a Latency: close enough for a curve over a
// logarithmic axis.
var ladder = []float64{0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.999, 99.9999}

// FromHistogram returns the percentiles of a histogram of nanoseconds, without
// those beyond which there is less than one request. It returns nil for an empty
// histogram.
func FromHistogram(h *hdrhistogram.Histogram) *Latency {
	if h == nil || h.TotalCount() == 0 {
		return nil
	}
	l := &Latency{Count: h.TotalCount()}
	longest := h.Max()
	for _, p := range ladder {
		if beyond := float64(l.Count) * (100 - p) / 100; beyond < 0.999 { // 99.9 is not exact
			break
		}
		// The histogram may return the upper edge of a bucket.
		l.Percentiles = append(l.Percentiles, Percentile{Percent: p, Micros: micros(min(h.ValueAtPercentile(p), longest))})
	}
	l.Percentiles = append(l.Percentiles, Percentile{Percent: 100, Micros: micros(longest)})
	return l
}

func micros(ns int64) float64 { return float64(ns) / 1e3 }

// at returns a percentile. It is false if l lacks it.
func (l *Latency) at(percent float64) (us float64, ok bool) {
	for _, p := range l.Percentiles {
		if p.Percent == percent {
			return p.Micros, true
		}
	}
	return 0, false
}
