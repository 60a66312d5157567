package ftpd

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// maxGuesses is how many failed logins ban an address. It is more than
	// one person needs, since many may share an address.
	maxGuesses = 20

	// maxGuessers bounds the memory that a flood of addresses can take.
	maxGuessers = 10_000

	// maxDoublings bounds the delay: 8 s where the first one is a second.
	maxDoublings = 3
)

// guesses are the failed logins by address, as live.ClientAddr tells clients
// apart. An address that has failed too often is banned until it has been quiet
// for a while: attempts that are refused do not count, so that a program which
// goes on trying bans nobody for ever. The zero value is ready for use.
type guesses struct {
	mu sync.Mutex // guards the field below
	by map[netip.Addr]guesser
}

type guesser struct {
	failed int
	last   time.Time
}

// add counts a failed login and returns how long its answer must wait.
func (g *guesses) add(addr netip.Addr, w waits) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	who, ok := g.by[addr]
	if now.Sub(who.last) > w.forBan() {
		who = guesser{}
	}
	if !ok {
		g.makeRoomLocked(now, w.forBan())
	}
	who.failed++
	who.last = now
	g.by[addr] = who
	return w.afterBadLogin() << min(who.failed-1, maxDoublings)
}

// makeRoomLocked makes room for one more address.
func (g *guesses) makeRoomLocked(now time.Time, ban time.Duration) {
	if g.by == nil {
		g.by = make(map[netip.Addr]guesser)
	}
	if len(g.by) < maxGuessers {
		return
	}
	for addr, who := range g.by {
		if now.Sub(who.last) > ban {
			delete(g.by, addr)
		}
	}
	for addr := range g.by { // any, if none is old
		if len(g.by) < maxGuessers {
			return
		}
		delete(g.by, addr)
	}
}

// banned reports whether addr has failed too often.
func (g *guesses) banned(addr netip.Addr, w waits) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	who := g.by[addr]
	return who.failed >= maxGuesses && time.Since(who.last) <= w.forBan()
}
