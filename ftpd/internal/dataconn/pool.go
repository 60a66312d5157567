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

	"sluice/internal/live"
)

// PortRange are the ports from First to Last, both included. The zero value
// leaves the choice to the system.
type PortRange struct{ First, Last uint16 }

// Size returns the number of ports; zero: the choice is the system's.
func (r PortRange) Size() int {
	if r == (PortRange{}) {
		return 0
	}
	return int(r.Last) - int(r.First) + 1
}

// SparePorts is how many ports stay open on an address once they were needed.
const SparePorts = 16

// strayTime is how long a connection may be on its way to a port that its client has
// left: that is when systems send the first packet for the third time.
const strayTime = 3 * time.Second

var errNoPort = errors.New("no port is free for a data connection")

// Pool are the ports that passive data connections come to. They stay open from
// one transfer to the next: to open one for each costs more than a small file.
// Several hosts can wait on one port, since a connection belongs to the
// reservation of the host it comes from; who has none is reset at once.
//
// Another program on the host of the client, or behind the same NAT, may connect first.
// So each reservation is for a port that nobody can foresee, among those that are open,
// and fails if a second connection comes as long as it lasts.
//
// A port listens only on the address that a control connection came to. Set the
// exported fields before the first Listen; the zero value is ready.
type Pool struct {
	// Ports are those of the pool, unless Next is set.
	Ports PortRange

	// Next returns a port to try, and the one to announce in its place; ok is
	// false if there is none. Attempts is how often it is asked for one port.
	Next     func() (announced, listened uint16, ok bool)
	Attempts int

	// Exclusive gives each port to one client at a time.
	Exclusive bool

	// AnyClient takes a connection from any address, and so makes ports exclusive.
	AnyClient bool

	// Wrap, if not nil, is called once for each port that is opened.
	Wrap func(net.Listener) (net.Listener, error)

	running sync.WaitGroup

	mu     sync.Mutex // guards the fields below, and those of ports and reservations
	closed bool
	hosts  map[netip.Addr]*host // by local address
}

// host has the open ports of one local address.
type host struct {
	open  []*port
	short bool // there are fewer than SparePorts, and no more to be had
	left  map[spot]leave
	many  int // size of left at which to look for what can be forgotten
}

// spot is a client at a port.
type spot struct {
	client netip.Addr
	number uint16
}

// leave is the end of a reservation whose client had not connected: its connection may
// still come, and belongs to no later reservation.
type leave struct {
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
	reserved  map[netip.Addr]*reservation // by the address of the client; the zero one is any
	closed    bool
}

// reservation is the right of one client to connect to one port, once. It lasts until
// it is released, unless the client gets another one of the port after it has connected.
type reservation struct {
	port    *port
	client  netip.Addr
	source  *Passive
	arrived chan net.Conn  // holds the connection until it is taken
	from    netip.AddrPort // where that has come from; the zero one: the client is awaited
}

// Listen reserves a port on local, an address of this host, for client. wait
// bounds Open. The caller closes the source.
//
// If a second connection comes meanwhile, onSecond, if not nil, is called with the source
// and an error that is ErrSecond; then both connections are reset, and Open returns that
// error. It may be called before Listen has returned.
func (p *Pool) Listen(local, client netip.Addr, wait time.Duration, onSecond func(*Passive, error)) (*Passive, error) {
	source := &Passive{wait: wait, over: make(chan struct{}), onSecond: onSecond}
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
	if len(h.open) < SparePorts && !h.short {
		_, err = p.openLocked(h, local, client)
		h.short = err != nil
	}
	pt, fit := h.pickLocked(client)
	if fit > shared && err == nil { // the client is awaited on, or has left, all there are
		var opened *port
		if opened, err = p.openLocked(h, local, client); err == nil {
			pt, fit = h.pickLocked(client)
			if opened.isFitLocked(client, fit) {
				pt = opened // or nobody would close it
			} else {
				opened.closeUnusedLocked()
			}
		}
	}
	if fit == unfit {
		return cmp.Or(err, errNoPort)
	}
	source.spot = &reservation{port: pt, client: client, source: source, arrived: make(chan net.Conn, 1)}
	pt.reserved[client] = source.spot
	return nil
}

// InUse returns how many ports a client is awaited on, on all addresses together.
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

// Listens reports whether the pool waits for connections on a port, on whichever address.
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

// fitness is how well a port suits a client, from the best on.
type fitness int

const (
	free     fitness = iota
	shared           // a reservation of the client has its connection, and ends to look for a second one
	reopened         // the client has left the port, which was closed since
	unfit            // the client is awaited there, or a connection of its may be on its way
)

// pickLocked returns a port for client, by chance one of those that suit it best.
func (h *host) pickLocked(client netip.Addr) (pt *port, fit fitness) {
	var room [SparePorts]*port
	best := room[:0]
	fit = unfit
	for _, pt := range h.open {
		f := pt.fitnessLocked(client)
		if f < fit {
			fit, best = f, best[:0]
		}
		if f == fit {
			best = append(best, pt)
		}
	}
	if fit == unfit {
		return nil, unfit
	}
	return best[chance(len(best))], fit
}

// chance returns a number from 0 to n-1 that nobody can foresee: it is of package
// crypto/rand because math/rand does not promise that, and costs under 0.1 us.
func chance(n int) int {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return int(binary.NativeEndian.Uint64(b[:]) % uint64(n))
}

func (pt *port) fitnessLocked(client netip.Addr) fitness {
	r := pt.reserved[client]
	left, hasLeft := pt.host.left[spot{client, pt.number}]
	switch {
	case r != nil && r.isAwaited(), pt.pool.Exclusive && pt.isAwaitedLocked():
		return unfit
	case hasLeft && time.Since(left.at) < strayTime && left.port == pt: // it may wait to be accepted, too
		return unfit
	case hasLeft && time.Since(left.at) < strayTime:
		return reopened
	case r != nil:
		return shared
	}
	return free
}

// isFitLocked reports whether the port suits a client as well as others do.
func (pt *port) isFitLocked(client netip.Addr, fit fitness) bool {
	return !pt.closed && pt.fitnessLocked(client) <= fit
}

// closeUnusedLocked closes the port if nobody has a reservation of it.
func (pt *port) closeUnusedLocked() {
	if !pt.closed && len(pt.reserved) == 0 {
		pt.retireLocked()
	}
}

// isAwaited reports whether the client has not connected yet.
func (r *reservation) isAwaited() bool { return !r.from.IsValid() }

// isAwaitedLocked reports whether a client is awaited on the port.
func (pt *port) isAwaitedLocked() bool {
	for _, r := range pt.reserved {
		if r.isAwaited() {
			return true
		}
	}
	return false
}

// openLocked opens one more port and serves it, if it can be one that client has not
// left. The lock is not held while the port is wrapped.
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

// bindLocked binds a port, by chance one of those that can be; announced is 0 if it is
// announced as what it is.
func (p *Pool) bindLocked(h *host, local, client netip.Addr) (ln net.Listener, announced uint16, err error) {
	switch {
	case p.Next != nil:
		return p.bindMappedLocked(h, local)
	case p.Ports.Size() == 0:
		ln, err = Listen(netip.AddrPortFrom(local, 0))
		return ln, 0, err
	}
	size := p.Ports.Size()
	start := chance(size)
	for _, again := range []bool{false, true} { // the ports that client has left come last
		for i := range size {
			number := p.Ports.First + uint16((start+i)%size)
			if _, left := h.left[spot{client, number}]; left != again || h.listensLocked(number) {
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

var errNoListener = errors.New("the listener was wrapped in none")

// wrapLocked returns ln as Wrap wants it. If it does not, ln is closed. The lock is
// given back meanwhile, since nobody knows what Wrap calls.
func (p *Pool) wrapLocked(ln net.Listener) (wrapped net.Listener, err error) {
	if p.Wrap == nil {
		return ln, nil
	}
	err = errNoListener
	defer func() {
		if err != nil { // or it panics
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
	lc := net.ListenConfig{KeepAlive: -1} // a stall is noticed sooner
	lc.SetMultipathTCP(false)             // or sendfile would meet a socket it may not know
	return lc.Listen(context.Background(), network, addr.String())
}

// serve gives each connection to the client it comes from, until the port is
// closed. Whatever else Accept fails for is about one connection, as far as anybody
// knows what has wrapped the port.
func (pt *port) serve() {
	var pause Pause
	for {
		conn, err := pt.ln.Accept()
		switch {
		case err == nil:
			pause.Reset()
			pt.deliver(conn)
		case pt.isClosed():
			return
		default:
			pause.Wait()
		}
	}
}

func (pt *port) isClosed() bool {
	pt.pool.mu.Lock()
	defer pt.pool.mu.Unlock()
	return pt.closed
}

// closeLocked closes the port. Those who wait there wait in vain.
func (pt *port) closeLocked() {
	pt.closed = true
	_ = pt.ln.Close()
}

func (pt *port) deliver(conn net.Conn) {
	from := live.AddrPortOf(conn.RemoteAddr())
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
	_, hasLeft := pt.host.left[spot{from.Addr(), pt.number}]
	pt.pool.mu.Unlock()
	switch {
	case r == nil && hasLeft:
		_ = conn.Close() // in order: its client was refused, and may yet write to it
	case r == nil:
		reset(conn)
	case !first:
		reset(conn)
		r.source.fail(fmt.Errorf("%w: to port %d, from %v and %v", ErrSecond, pt.announced, r.from, from))
	}
}

// release ends the reservation, and returns the connection that has arrived and was
// not taken, if there is one. One that comes later is closed and never taken. Releasing
// twice is harmless.
func (r *reservation) release() net.Conn {
	r.port.pool.mu.Lock()
	r.port.releaseLocked(r)
	r.port.pool.mu.Unlock()
	select {
	case conn := <-r.arrived:
		return conn
	default:
		return nil
	}
}

// releaseLocked takes r out of the list. If its client has not connected, nothing tells
// a connection that comes now from that of the next reservation. So the port is closed,
// and what the kernel has accepted and we have not; or, as long as there are
// others there, not given to this client again. It is also closed if it was opened only
// because all others were taken.
func (pt *port) releaseLocked(r *reservation) {
	if pt.reserved[r.client] != r {
		return
	}
	delete(pt.reserved, r.client)
	if r.isAwaited() {
		pt.host.noteLocked(spot{r.client, pt.number}, leave{pt, time.Now()})
	}
	if len(pt.reserved) == 0 && (r.isAwaited() || len(pt.host.open) > SparePorts) {
		pt.retireLocked()
	}
}

// noteLocked notes l, and forgets what is long past.
func (h *host) noteLocked(s spot, l leave) {
	if h.left == nil {
		h.left = make(map[spot]leave)
	}
	if len(h.left) >= h.many {
		maps.DeleteFunc(h.left, func(_ spot, past leave) bool { return l.at.Sub(past.at) > strayTime })
		h.many = 2*len(h.left) + SparePorts
	}
	h.left[s] = l
}

// retireLocked closes the port and forgets it. Its number is free again.
func (pt *port) retireLocked() {
	h := pt.host
	h.open = slices.DeleteFunc(h.open, func(other *port) bool { return other == pt })
	h.short = false
	if ln, ok := pt.ln.(syscall.Conn); ok {
		if raw, err := ln.SyscallConn(); err == nil {
			_ = raw.Control(drain)
		}
	}
	pt.closeLocked()
}

// Close closes all ports and waits until nobody serves them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, h := range p.hosts {
		for _, pt := range h.open {
			pt.closeLocked()
		}
	}
	p.mu.Unlock()
	p.running.Wait()
}
