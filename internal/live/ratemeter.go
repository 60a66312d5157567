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

func (p *rateMeter) reset(now time.Time) {
	m := point{at: now}
	*p = rateMeter{m, m, m}
}

// add records how many bytes had moved at a time.
func (p *rateMeter) add(now time.Time, bytes int64) {
	p.last = point{now, bytes}
	if now.Sub(p.middle.at) >= window {
		p.from, p.middle = p.middle, p.last
	}
}

// rate returns bytes per second; false if it is too early.
func (p *rateMeter) rate() (float64, bool) {
	took := p.last.at.Sub(p.from.at)
	if took < sampleEvery {
		return 0, false
	}
	return float64(max(p.last.bytes-p.from.bytes, 0)) / took.Seconds(), true
}
