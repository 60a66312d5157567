package live

import "time"

// pace is how fast a transfer is, over the last three to six seconds or since
// it began.
type pace struct{ from, middle, last mark }

type mark struct {
	at    time.Time
	bytes int64
}

// window is the shortest time that a rate is taken over, unless the transfer
// is younger.
const window = 3 * time.Second

func (p *pace) begin(now time.Time) {
	m := mark{at: now}
	*p = pace{m, m, m}
}

// note takes down how many bytes had moved at some time.
func (p *pace) note(now time.Time, bytes int64) {
	p.last = mark{now, bytes}
	if now.Sub(p.middle.at) >= window {
		p.from, p.middle = p.middle, p.last
	}
}

// rate returns bytes per second, and false if it is too early to tell.
func (p *pace) rate() (float64, bool) {
	took := p.last.at.Sub(p.from.at)
	if took < sampleEvery {
		return 0, false
	}
	return float64(max(p.last.bytes-p.from.bytes, 0)) / took.Seconds(), true
}
