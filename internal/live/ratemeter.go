package live

import "time"

// rateMeter measures the rate of a transfer over the last three to six seconds, or
// since it began.
type rateMeter struct{ from, middle, last point }

type point struct {
	at    time.Time
	bytes int64
}

// window is the shortest time over which a rate is measured, unless the transfer is
// younger.
const window = 3 * time.Second

func (r *rateMeter) reset(now time.Time) {
	m := point{at: now}
	*r = rateMeter{m, m, m}
}

// add records how many bytes had moved at a time.
func (r *rateMeter) add(now time.Time, bytes int64) {
	r.last = point{now, bytes}
	if now.Sub(r.middle.at) >= window {
		r.from, r.middle = r.middle, r.last
	}
}

// rate returns bytes per second; false if it is too early.
func (r *rateMeter) rate() (float64, bool) {
	took := r.last.at.Sub(r.from.at)
	if took < sampleEvery {
		return 0, false
	}
	return float64(max(r.last.bytes-r.from.bytes, 0)) / took.Seconds(), true
}
