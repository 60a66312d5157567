package httpd

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"sluice/internal/account"
)

// loginDelay is the time from a request to the response that its password is wrong. It
// is a variable for the tests.
var loginDelay = time.Second

const (
	// maxLogins is the number of logins of one address that are checked, or whose failure
	// waits for its response. So an address can try eight passwords a second. As many as
	// maxWaitingLogins wait for their turn: right passwords need only a moment.
	maxLogins        = 8
	maxWaitingLogins = 100
	loginTurn        = 10 * time.Second

	// loginBan is how long an address is banned after too many failures, see Throttle, and
	// maxFailedAddrs the number of addresses that are remembered.
	loginBan       = 10 * time.Minute
	maxFailedAddrs = 10_000
)

// failedLogins bounds how fast passwords can be guessed: the logins of an address (IPv6: of its
// /64 network) at one time, apart from those of users who have logged in from there before. A
// Throttle counts the failures. A password that fails again and again counts once: many clients
// repeat it.
//
// An address of this host is not banned, and not counted: it is often that of a proxy, of
// which the server does not know that it has other clients.
type failedLogins struct {
	throttle *Throttle

	mu     sync.Mutex // guards the fields below, and those of the addrLogins
	byAddr map[loginKey]*addrLogins
	swept  time.Time // when old entries were last removed
}

// loginKey is an address, or a user who has logged in from it before.
type loginKey struct {
	addr netip.Addr
	user string // "": all others
}

// addrLogins are the logins of a loginKey.
type addrLogins struct {
	slots   chan struct{} // an element for each login of maxLogins
	present int           // logins that have entered, or wait for a slot

	last    time.Time         // when a failure was counted; zero: never
	lastSum [sha256.Size]byte // of its name and password
}

// enter is called before a password is checked. If it may be, the caller calls leave,
// which blocks until a failure may be answered, or ctx ends; if leave reports true, that is the
// answer to a ban. Otherwise leave is nil, and the client may try again after some time.
func (f *failedLogins) enter(ctx context.Context, client netip.Addr, user, password string) (leave func(failed bool) (banned bool), retryAfter time.Duration) {
	begin := time.Now()
	addr := account.NetworkOf(client)
	banned := !isThisHost(addr) && f.throttle.IsBanned(addr)
	if banned && !f.throttle.Admits(user, addr) {
		return nil, loginBan
	}
	key := loginKey{addr: addr}
	if f.throttle.Knows(user, addr) {
		key.user = user
	}
	l := f.add(key, begin)
	if l == nil {
		return nil, loginDelay
	}
	if !l.wait(ctx) {
		f.remove(key, l)
		return nil, loginDelay
	}
	return func(failed bool) bool {
		if failed {
			delay := f.count(l, client, user, password)
			if !banned {
				pause(ctx, time.Until(begin.Add(delay)))
			}
		}
		<-l.slots
		f.remove(key, l)
		return failed && banned
	}, 0
}

// pause blocks for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// wait takes a slot, and reports whether it got one in time.
func (l *addrLogins) wait(ctx context.Context) bool {
	select {
	case l.slots <- struct{}{}:
		return true
	default:
	}
	turn := time.NewTimer(loginTurn)
	defer turn.Stop()
	select {
	case l.slots <- struct{}{}:
		return true
	case <-turn.C:
	case <-ctx.Done():
	}
	return false
}

// sumKey keeps memory dumps from showing which passwords were tried.
var sumKey = rand.Text()

func sumOf(user, password string) [sha256.Size]byte {
	return sha256.Sum256([]byte(sumKey + user + "\x00" + password))
}

// add adds a login, or returns nil if there are too many.
func (f *failedLogins) add(key loginKey, now time.Time) *addrLogins {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.byAddr[key]
	if l == nil {
		f.makeRoomLocked(now)
		l = &addrLogins{slots: make(chan struct{}, maxLogins)}
		f.byAddr[key] = l
	}
	if l.present >= maxLogins+maxWaitingLogins {
		return nil
	}
	l.present++
	return l
}

// isThisHost reports whether addr is an address of this host, or that of a unix socket.
func isThisHost(addr netip.Addr) bool { return !addr.IsValid() || addr.IsLoopback() }

// count counts a failed login, unless it is the same as the last one of the address, and
// returns the time from the request to its response.
func (f *failedLogins) count(l *addrLogins, client netip.Addr, user, password string) time.Duration {
	now, sum := time.Now(), sumOf(user, password)
	f.mu.Lock()
	isRepeated := l.lastSum == sum && now.Sub(l.last) <= loginBan
	l.last, l.lastSum = now, sum
	f.mu.Unlock()
	if isRepeated {
		return loginDelay
	}
	if isThisHost(client.Unmap()) {
		client = netip.Addr{}
	}
	return max(loginDelay, f.throttle.Failed(user, client))
}

// remove ends a login.
func (f *failedLogins) remove(key loginKey, l *addrLogins) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.present--; l.present == 0 && l.last.IsZero() {
		delete(f.byAddr, key)
	}
}

// makeRoomLocked makes room for one more address.
func (f *failedLogins) makeRoomLocked(now time.Time) {
	if f.byAddr == nil {
		f.byAddr = make(map[loginKey]*addrLogins)
	}
	if len(f.byAddr) < maxFailedAddrs {
		return
	}
	if now.Sub(f.swept) > time.Second { // a flood of addresses must not cost a sweep each
		f.swept = now
		for addr, l := range f.byAddr {
			if l.present == 0 && now.Sub(l.last) > loginBan {
				delete(f.byAddr, addr)
			}
		}
	}
	for addr, l := range f.byAddr { // any without a login under way, if none is old
		if len(f.byAddr) < maxFailedAddrs {
			return
		}
		if l.present == 0 {
			delete(f.byAddr, addr)
		}
	}
}
