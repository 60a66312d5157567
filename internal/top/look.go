package top

import (
	"sluice/internal/status"
	"time"
)

// rateWindow is what the rates of the server are of, as those of transfers: a
// socket takes megabytes at once and then none for seconds.
const rateWindow = 5 * time.Second

// look is what is kept of a Status for the rates of later ones.
type look struct {
	pid         int
	started, at time.Time
	cpu         *float64
	sums        sums
}

// remember adds a look at the end of past, and takes those away from its front
// that the rates of now are not of: there is one that is as old as rateWindow,
// or the one before. Looks at another server are no past of it.
func remember(past []look, st *status.Status) []look {
	now := look{st.Server.PID, st.Started, st.Now, st.Server.Process.CPU, sum(st)}
	if n := len(past); n > 0 && (past[n-1].pid != now.pid || !past[n-1].started.Equal(now.started)) {
		past = nil
	}
	past = append(past, now)
	for len(past) > 2 && now.at.Sub(past[1].at) >= rateWindow {
		past = past[1:]
	}
	return past
}

// span returns the seconds from the first look to the last.
func span(past []look) float64 {
	if len(past) == 0 {
		return 0
	}
	return past[len(past)-1].at.Sub(past[0].at).Seconds()
}

// sums are the totals of all protocols. They never go back.
type sums struct{ out, in, requests, refused uint64 }

func sum(st *status.Status) (s sums) {
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
