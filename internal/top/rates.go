package top

import (
	"sluice/internal/status"
	"time"
)

// rateWindow is the time over which rates of the server are measured. A socket may
// take megabytes at once and then nothing for seconds.
const rateWindow = 5 * time.Second

// sample is the part of a Status that later rates need.
type sample struct {
	pid         int
	started, at time.Time
	cpu         *float64
	totals      totals
	host        *status.HostCPU
}

// addSample appends a sample of st and drops those that are older than rateWindow,
// except the youngest of them. If the server was restarted it drops all others.
func addSample(samples []sample, st *status.Status) []sample {
	now := sample{st.Server.PID, st.Started, st.Now, st.Server.Process.CPU, totalsOf(st), nil}
	if h := st.Server.Host; h != nil {
		now.host = h.CPU
	}
	if n := len(samples); n > 0 && (samples[n-1].pid != now.pid || !samples[n-1].started.Equal(now.started)) {
		samples = nil
	}
	samples = append(samples, now)
	for len(samples) > 2 && now.at.Sub(samples[1].at) >= rateWindow {
		samples = samples[1:]
	}
	return samples
}

// duration returns the seconds between the first and the last sample.
func duration(samples []sample) float64 {
	if len(samples) == 0 {
		return 0
	}
	return samples[len(samples)-1].at.Sub(samples[0].at).Seconds()
}

// totals are totals over all protocols. They never decrease.
type totals struct{ out, in, requests, refused uint64 }

func totalsOf(st *status.Status) (s totals) {
	for _, b := range st.Totals.Bytes {
		if b.Direction == "in" {
			s.in += b.Bytes
		} else {
			s.out += b.Bytes
		}
	}
	for _, p := range st.Totals.Protocols {
		s.requests += p.Requests
		s.refused += p.Refused
	}
	return s
}
