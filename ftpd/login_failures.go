package ftpd

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// maxFailedPerAddr is the number of failed logins that bans an address. It is more
	// than one person needs, because many people may share an address.
	maxFailedPerAddr = 20

	// maxTrackedAddrs limits the memory that a flood of addresses can take.
	maxTrackedAddrs = 10_000

	// maxDoublings limits the delay: to 8 s if the first one is 1 s.
	maxDoublings = 3
)

// loginFailures counts failed logins by client address (see live.ClientAddr). An address
// with too many is banned until none has been counted for a while. Attempts during a ban
// do not count, so that a program that keeps trying cannot keep the ban up for the
// others there. The zero value is ready for use.
type loginFailures struct {
	mu     sync.Mutex // guards the field below
	byAddr map[netip.Addr]addrFailures
}

type addrFailures struct {
	failed int       // failed logins; at least one
	last   time.Time // time of the last one
}

// add counts a failed login and returns how long to delay the reply.
func (lf *loginFailures) add(addr netip.Addr, d delays) time.Duration {
	lf.mu.Lock()
	defer lf.mu.Unlock()
	now := time.Now()
	f, ok := lf.byAddr[addr]
	if now.Sub(f.last) > d.forBan() {
		f = addrFailures{}
	}
	if !ok {
		lf.makeRoomLocked(now, d.forBan())
	}
	f.failed++
	f.last = now
	lf.byAddr[addr] = f
	return d.afterBadLogin() << min(f.failed-1, maxDoublings)
}

// makeRoomLocked makes room for one more address.
func (lf *loginFailures) makeRoomLocked(now time.Time, ban time.Duration) {
	if lf.byAddr == nil {
		lf.byAddr = make(map[netip.Addr]addrFailures)
	}
	if len(lf.byAddr) < maxTrackedAddrs {
		return
	}
	for addr, f := range lf.byAddr {
		if now.Sub(f.last) > ban {
			delete(lf.byAddr, addr)
		}
	}
	for addr := range lf.byAddr { // any, if none is old
		if len(lf.byAddr) < maxTrackedAddrs {
			return
		}
		delete(lf.byAddr, addr)
	}
}

// isBanned reports whether addr has too many failed logins.
func (lf *loginFailures) isBanned(addr netip.Addr, d delays) bool {
	lf.mu.Lock()
	defer lf.mu.Unlock()
	f := lf.byAddr[addr]
	return f.failed >= maxFailedPerAddr && time.Since(f.last) <= d.forBan()
}
