package dataconn

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"sluice/internal/loopback"
)

// PortRange is the range of ports from First to Last, both included. The zero value
// leaves the choice to the system.
type PortRange struct{ First, Last uint16 }

// Size returns the number of ports; zero: the system chooses.
func (r PortRange) Size() int {
	if r == (PortRange{}) {
		return 0
	}
	return int(r.Last) - int(r.First) + 1
}

// SparePorts is how many ports of an address stay open when they are not needed.
const SparePorts = 16

// lateTime is how long a connection may be on its way to a port after the reservation has
// ended. After that time systems send the first packet for the third time.
const lateTime = 3 * time.Second

var errNoPort = errors.New("no port is free for a data connection")

// Pool has the ports for passive data connections. They stay open from one transfer to
// the next, because opening one costs more than a small file. Clients with different
// addresses can share a port: a connection belongs to the reservation of the address that
// it comes from, and is reset at once if there is none.
//
// Another program on the client's host, or behind the same NAT, may connect first. So a
// reservation gets a port chosen at random among the open ones, and fails if a second
// connection comes while it lasts.
//
// A port listens only on the local address of the control connection. Set the exported
// fields before the first Listen; the zero value is ready.
type Pool struct {
	// Ports is the range of ports. It is not used if Next is set.
	Ports PortRange

	// Next returns a port to try, and the port to announce instead of it; ok is false
	// if there is none. It is called up to Attempts times to open a port.
	Next     func() (announced, listened uint16, ok bool)
	Attempts int

	// Exclusive reserves each port for one client at a time.
	Exclusive bool

	// AnyClient accepts connections from any address, and so makes ports exclusive.
	AnyClient bool

	// IsProxy, if not nil, reports whether connections from an address come through a proxy, which begins each with a
	// header of the PROXY protocol. They belong to the client that the header names. OnHeaderless, if not nil, is called
	// for a connection that is reset because it has none.
	IsProxy      func(netip.Addr) bool
	OnHeaderless func(proxy netip.AddrPort, err error)

	// Wrap, if not nil, is called once for each port when it is opened.
	Wrap func(net.Listener) (net.Listener, error)

	running sync.WaitGroup // goroutines of port.serve, port.arrive and refuseLocked

	mu       sync.Mutex // guards the fields below, and those of host, port and reservation
	closed   bool
	hosts    map[netip.Addr]*host  // by local address
	refused  map[net.Conn]struct{} // connections of refuseLocked
	headless map[net.Conn]struct{} // connections that await the header of a proxy
}

// host has the open ports of one local address.
type host struct {
	open      []*port
	exhausted bool // fewer than SparePorts are open, and opening another has failed
	departed  map[clientPort]departure
	pruneAt   int // size of departed at which old entries are removed
}

// clientPort is a client's address and the number of one of our ports.
type clientPort struct {
	client netip.Addr
	number uint16
}

// departure is the end of a reservation without a connection. The client's connection
// may still come, and does not belong to a later reservation.
type departure struct {
	port *port
	at   time.Time
}

// port is a listening socket.
type port struct {
	pool      *Pool
	host      *host
	ln        net.Listener
	number    uint16
	announced uint16
	reserved  map[netip.Addr]*reservation // by the client's address; the zero Addr stands for any
	closed    bool
}

// reservation lets one client connect to one port, once. It lasts until it is released,
// or until the client has connected and reserves the same port again.
type reservation struct {
	port    *port
	client  netip.Addr
	source  *Passive
	arrived chan net.Conn // holds the connection until Open takes it

	strangers chan stranger  // holds the first one until Open takes it
	from      netip.AddrPort // remote address of that connection; zero: none has come yet
}

// Listen reserves a port on local, an address of this host, for client. wait bounds Open.
// The caller closes the source.
//
// If a second connection comes before that, onSecond, if not nil, is called with the
// source and an error that wraps ErrSecond; then both connections are reset, and Open
// returns that error. onSecond may be called before Listen has returned.
func (p *Pool) Listen(local, client netip.Addr, wait time.Duration, onSecond func(*Passive, error)) (*Passive, error) {
	source := &Passive{wait: wait, closed: make(chan struct{}), onSecond: onSecond}
	if err := p.reserve(local, client, source); err != nil {
		return nil, err
	}
	return source, nil
}

// reserve makes a reservation for source.
func (p *Pool) reserve(local, client netip.Addr, source *Passive) error {
	if p.AnyClient {
		client = netip.Addr{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	h := p.hosts[local]
	if h == nil {
		if p.hosts == nil {
			p.hosts = make(map[netip.Addr]*host)
		}
		h = new(host)
		p.hosts[local] = h
	}
	var err error
	if len(h.open) < SparePorts && !h.exhausted {
		_, err = p.openLocked(h, local, client)
		h.exhausted = err != nil
	}
	pt, fit := h.pickLocked(client)
	if fit > shared && err == nil { // the client has reserved, or recently left, all open ports
		var opened *port
		if opened, err = p.openLocked(h, local, client); err == nil {
			pt, fit = h.pickLocked(client)
			if opened.isFitLocked(client, fit) {
				pt = opened // an unused one would never be closed
			} else {
				opened.closeUnusedLocked()
			}
		}
	}
	if fit == unusable {
		return cmp.Or(err, errNoPort)
	}
	source.reservation = &reservation{port: pt, client: client, source: source, arrived: make(chan net.Conn, 1), strangers: make(chan stranger, 1)}
	pt.reserved[client] = source.reservation
	return nil
}

// InUse returns how many ports wait for a client, on all addresses together.
func (p *Pool) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	used := 0
	for _, h := range p.hosts {
		for _, pt := range h.open {
			if pt.isAwaitedLocked() {
				used++
			}
		}
	}
	return used
}

// Listens reports whether the pool listens on a port, on any address.
func (p *Pool) Listens(port uint16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.hosts {
		if h.listensLocked(port) {
			return true
		}
	}
	return false
}

// fitness is how well a port suits a client. Lower values are better.
type fitness int

const (
	free     fitness = iota
	shared           // the client has connected with an earlier reservation of the port, which this one replaces
	reopened         // the client has recently left the port without connecting, but it was closed since
	unusable         // the client has a reservation without a connection, or a late connection may come
)

// pickLocked returns a port for client, chosen at random among those that suit it best.
func (h *host) pickLocked(client netip.Addr) (pt *port, fit fitness) {
	var room [SparePorts]*port
	best := room[:0]
	fit = unusable
	for _, pt := range h.open {
		f := pt.fitnessLocked(client)
		if f < fit {
			fit, best = f, best[:0]
		}
		if f == fit {
			best = append(best, pt)
		}
	}
	if fit == unusable {
		return nil, unusable
	}
	return best[randomInt(len(best))], fit
}

// randomInt returns a number from 0 to n-1 that an attacker cannot predict. It uses
// crypto/rand, because math/rand does not promise that; it costs under 0.1 us.
func randomInt(n int) int {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return int(binary.NativeEndian.Uint64(b[:]) % uint64(n))
}

func (pt *port) fitnessLocked(client netip.Addr) fitness {
	r := pt.reserved[client]
	departure, departed := pt.host.departed[clientPort{client, pt.number}]
	switch {
	case r != nil && r.isAwaited(), pt.pool.Exclusive && pt.isAwaitedLocked():
		return unusable
	case departed && time.Since(departure.at) < lateTime && departure.port == pt: // the late connection may already be in its queue
		return unusable
	case departed && time.Since(departure.at) < lateTime:
		return reopened
	case r != nil:
		return shared
	}
	return free
}

// isFitLocked reports whether the port is open and suits client at least as well as fit.
func (pt *port) isFitLocked(client netip.Addr, fit fitness) bool {
	return !pt.closed && pt.fitnessLocked(client) <= fit
}

// closeUnusedLocked closes the port if it has no reservation.
func (pt *port) closeUnusedLocked() {
	if !pt.closed && len(pt.reserved) == 0 {
		pt.retireLocked()
	}
}

// isAwaited reports whether the client has not connected yet. The lock must be held.
func (r *reservation) isAwaited() bool { return !r.from.IsValid() }

// isAwaitedLocked reports whether the port waits for a client.
func (pt *port) isAwaitedLocked() bool {
	for _, r := range pt.reserved {
		if r.isAwaited() {
			return true
		}
	}
	return false
}

// openLocked opens one more port and serves it: if possible one that client has not left
// recently. It releases the lock while it calls Wrap.
func (p *Pool) openLocked(h *host, local, client netip.Addr) (*port, error) {
	ln, announced, err := p.bindLocked(h, local, client)
	if err != nil {
		return nil, err
	}
	number := uint16(ln.Addr().(*net.TCPAddr).Port)
	if ln, err = p.wrapLocked(ln); err != nil {
		return nil, err
	}
	if p.closed {
		_ = ln.Close()
		return nil, net.ErrClosed
	}
	if announced == 0 {
		announced = number
	}
	pt := &port{pool: p, host: h, ln: ln, number: number, announced: announced, reserved: make(map[netip.Addr]*reservation)}
	h.open = append(h.open, pt)
	p.running.Go(pt.serve)
	return pt, nil
}

// bindLocked binds a random port of the range. announced is 0 if the number to announce
// is that of the port.
func (p *Pool) bindLocked(h *host, local, client netip.Addr) (ln net.Listener, announced uint16, err error) {
	switch {
	case p.Next != nil:
		return p.bindMappedLocked(h, local)
	case p.Ports.Size() == 0:
		ln, err = Listen(netip.AddrPortFrom(local, 0))
		return ln, 0, err
	}
	size := p.Ports.Size()
	start := randomInt(size)
	for _, again := range []bool{false, true} { // ports that client has left recently come last
		for i := range size {
			number := p.Ports.First + uint16((start+i)%size)
			if _, departed := h.departed[clientPort{client, number}]; departed != again || h.listensLocked(number) {
				continue
			}
			if ln, err = Listen(netip.AddrPortFrom(local, number)); err == nil {
				return ln, 0, nil
			}
		}
	}
	return nil, 0, errNoPort
}

// bindMappedLocked is bindLocked for ports that Next names.
func (p *Pool) bindMappedLocked(h *host, local netip.Addr) (ln net.Listener, announced uint16, err error) {
	for range max(p.Attempts, 1) {
		announced, listened, ok := p.Next()
		if !ok {
			break
		}
		if h.listensLocked(listened) {
			continue
		}
		if ln, err = Listen(netip.AddrPortFrom(local, listened)); err == nil {
			return ln, announced, nil
		}
	}
	return nil, 0, errNoPort
}

var errNoListener = errors.New("the wrapped listener is nil")

// wrapLocked returns the result of Wrap for ln, and closes ln if that fails. It releases
// the lock meanwhile, because Wrap may call anything.
func (p *Pool) wrapLocked(ln net.Listener) (wrapped net.Listener, err error) {
	if p.Wrap == nil {
		return ln, nil
	}
	err = errNoListener
	defer func() {
		if err != nil { // also if Wrap panics
			_ = ln.Close()
		}
	}()
	p.mu.Unlock()
	defer p.mu.Lock()
	wrapped, err = p.Wrap(ln)
	if err == nil && wrapped == nil {
		err = errNoListener
	}
	return wrapped, err
}

func (h *host) listensLocked(number uint16) bool {
	return slices.ContainsFunc(h.open, func(pt *port) bool { return pt.number == number })
}

// Listen listens on addr for data connections.
func Listen(addr netip.AddrPort) (net.Listener, error) {
	network := "tcp6"
	if addr.Addr().Is4() {
		network = "tcp4"
	}
	lc := net.ListenConfig{Control: loopback.Control, KeepAlive: -1} // off: the stall timeout is shorter
	lc.SetMultipathTCP(false)                                        // sendfile and splice may not support MPTCP sockets
	return lc.Listen(context.Background(), network, addr.String())
}

// serve accepts connections until the port is closed. It retries after every other error
// of Accept, because a listener from Wrap may return any error for a single connection.
func (pt *port) serve() {
	var pause Pause
	for {
		conn, err := pt.accept()
		switch {
		case err == nil:
			pause.Reset()
			pt.arrive(conn)
		case pt.isClosed():
			return
		default:
			pause.Wait()
		}
	}
}

// accept is Accept of the listener, which may be one of Wrap. A panic of it is an error.
func (pt *port) accept() (conn net.Conn, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return pt.ln.Accept()
}

func (pt *port) isClosed() bool {
	pt.pool.mu.Lock()
	defer pt.pool.mu.Unlock()
	return pt.closed
}

// closeLocked closes the listener. Clients can no longer connect to reservations of the
// port.
func (pt *port) closeLocked() {
	pt.closed = true
	_ = pt.ln.Close()
}

// deliver gives a connection to the reservation of the client at the address from. It
// closes a connection without a reservation, unless the port waits for one client only,
// which may want it; and it fails the source of a second one.
func (pt *port) deliver(conn net.Conn, from netip.AddrPort) {
	pt.pool.mu.Lock()
	r := pt.reserved[from.Addr()]
	if r == nil {
		r = pt.reserved[netip.Addr{}]
	}
	first := r != nil && r.isAwaited()
	if first {
		r.from = from
		r.arrived <- conn // never blocks: only the first one comes here
	}
	_, departed := pt.host.departed[clientPort{from.Addr(), pt.number}]
	isKept := false
	switch {
	case r == nil && departed:
		pt.pool.refuseLocked(conn)
	case r == nil:
		isKept = pt.meetLocked(conn, from.Addr())
	}
	pt.pool.mu.Unlock()
	switch {
	case r == nil && (departed || isKept):
	case r == nil:
		reset(conn)
	case !first:
		reset(conn)
		r.source.fail(fmt.Errorf("%w: to port %d, from %v and %v", ErrSecond, pt.announced, r.from, from))
	}
}

// meetLocked gives a connection from another address to the source of the client that the
// port waits for, if there is just one. It reports whether the source has taken it.
func (pt *port) meetLocked(conn net.Conn, from netip.Addr) (isKept bool) {
	var awaited *reservation
	for _, r := range pt.reserved {
		if r.isAwaited() {
			if awaited != nil {
				return false
			}
			awaited = r
		}
	}
	if awaited == nil {
		return false
	}
	s := stranger{from: from}
	if awaited.source.keepsStranger.Load() {
		s.conn = conn
	}
	select {
	case awaited.strangers <- s:
		return s.conn != nil
	default: // not the first one
		return false
	}
}

// release ends the reservation, and returns the connection that has come and that Open
// has not taken; nil: none. Later connections are closed. Releasing twice is harmless.
func (r *reservation) release() net.Conn {
	r.port.pool.mu.Lock()
	r.port.releaseLocked(r)
	r.port.pool.mu.Unlock()
	select {
	case s := <-r.strangers:
		if s.conn != nil {
			reset(s.conn)
		}
	default:
	}
	select {
	case conn := <-r.arrived:
		return conn
	default:
		return nil
	}
}

// releaseLocked removes r from the port. If the client has not connected, its late
// connection could be mistaken for that of its next reservation. So the port is closed,
// with the connections in its queue; or, if other clients have reservations, it is not
// given to this client for a while. An unused port is also closed if more than SparePorts
// are open.
func (pt *port) releaseLocked(r *reservation) {
	if pt.reserved[r.client] != r {
		return
	}
	delete(pt.reserved, r.client)
	if r.isAwaited() {
		pt.host.recordDepartureLocked(clientPort{r.client, pt.number}, departure{pt, time.Now()})
	}
	if len(pt.reserved) == 0 && (r.isAwaited() || len(pt.host.open) > SparePorts) {
		pt.retireLocked()
	}
}

// recordDepartureLocked records d, and removes old entries now and then.
func (h *host) recordDepartureLocked(cp clientPort, d departure) {
	if h.departed == nil {
		h.departed = make(map[clientPort]departure)
	}
	if len(h.departed) >= h.pruneAt {
		maps.DeleteFunc(h.departed, func(_ clientPort, past departure) bool { return d.at.Sub(past.at) > lateTime })
		h.pruneAt = 2*len(h.departed) + SparePorts
	}
	h.departed[cp] = d
}

// retireLocked closes the port and removes it from the host, so that its number can be
// bound again.
func (pt *port) retireLocked() {
	h := pt.host
	h.open = slices.DeleteFunc(h.open, func(other *port) bool { return other == pt })
	h.exhausted = false
	if ln, ok := pt.ln.(syscall.Conn); ok {
		if raw, err := ln.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { drain(fd, pt.pool.refuseLocked) })
		}
	}
	pt.closeLocked()
}

// Close closes all ports and waits for their goroutines.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, h := range p.hosts {
		for _, pt := range h.open {
			pt.closeLocked()
		}
	}
	for conn := range p.refused {
		_ = conn.Close()
	}
	for conn := range p.headless {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}
