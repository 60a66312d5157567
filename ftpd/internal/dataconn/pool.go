package dataconn

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
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
// They are used in turn, so that a late connection to one finds nobody there.
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
	turn  int    // index in open of the port used last
	last  uint16 // of the range, tried last; 0: none
	short bool   // there are fewer than SparePorts, and no more to be had
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
	waiting   map[netip.Addr]*reservation // by the address of the client; the zero one is any
	closed    bool
}

// reservation is the right of one client to connect to one port, once.
type reservation struct {
	port    *port
	client  netip.Addr
	arrived chan net.Conn // holds the connection until it is taken
}

// Listen reserves a port on local, an address of this host, for client. wait
// bounds Open. The caller closes the source.
func (p *Pool) Listen(local, client netip.Addr, wait time.Duration) (*Passive, error) {
	spot, err := p.reserve(local, client)
	if err != nil {
		return nil, err
	}
	return &Passive{spot: spot, wait: wait, over: make(chan struct{})}, nil
}

func (p *Pool) reserve(local, client netip.Addr) (*reservation, error) {
	if p.AnyClient {
		client = netip.Addr{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, net.ErrClosed
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
		err = p.openLocked(h, local)
		h.short = err != nil
	}
	pt := h.freeLocked(client, (*port).isUntouchedLocked)
	if pt == nil && err == nil { // the client holds or has left all there are
		err = p.openLocked(h, local)
		pt = h.freeLocked(client, (*port).isUntouchedLocked)
	}
	if pt == nil {
		pt = h.freeLocked(client, (*port).isNewLocked)
	}
	if pt == nil {
		return nil, cmp.Or(err, errNoPort)
	}
	r := &reservation{port: pt, client: client, arrived: make(chan net.Conn, 1)}
	pt.waiting[client] = r
	return r, nil
}

// InUse returns how many ports a client is awaited on, on all addresses together.
func (p *Pool) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	used := 0
	for _, h := range p.hosts {
		for _, pt := range h.open {
			if len(pt.waiting) > 0 {
				used++
			}
		}
	}
	return used
}

// freeLocked returns the next port that client may have and that is fit for it; nil:
// there is none.
func (h *host) freeLocked(client netip.Addr, isFit func(*port, netip.Addr) bool) *port {
	for range h.open {
		h.turn = (h.turn + 1) % len(h.open)
		if pt := h.open[h.turn]; pt.isFreeLocked(client) && isFit(pt, client) {
			return pt
		}
	}
	return nil
}

// isUntouchedLocked reports whether no connection of client can be on its way to the
// port.
func (pt *port) isUntouchedLocked(client netip.Addr) bool {
	return time.Since(pt.host.left[spot{client, pt.number}].at) > strayTime
}

// isNewLocked reports whether the port was opened after client had left it, so that
// none of its connections can wait to be accepted.
func (pt *port) isNewLocked(client netip.Addr) bool {
	return pt.host.left[spot{client, pt.number}].port != pt
}

func (pt *port) isFreeLocked(client netip.Addr) bool {
	if pt.pool.Exclusive {
		return len(pt.waiting) == 0
	}
	return pt.waiting[client] == nil
}

// openLocked opens one more port and serves it. It is the next one that can be
// bound. The lock is not held while the port is wrapped.
func (p *Pool) openLocked(h *host, local netip.Addr) error {
	ln, announced, err := p.bindLocked(h, local)
	if err != nil {
		return err
	}
	number := uint16(ln.Addr().(*net.TCPAddr).Port)
	if ln, err = p.wrapLocked(ln); err != nil {
		return err
	}
	if p.closed {
		_ = ln.Close()
		return net.ErrClosed
	}
	if announced == 0 {
		announced = number
	}
	pt := &port{pool: p, host: h, ln: ln, number: number, announced: announced, waiting: make(map[netip.Addr]*reservation)}
	h.open = append(h.open, pt)
	p.running.Go(pt.serve)
	return nil
}

// bindLocked binds the next port that can be; announced is 0 if it is announced as
// what it is.
func (p *Pool) bindLocked(h *host, local netip.Addr) (ln net.Listener, announced uint16, err error) {
	switch {
	case p.Next != nil:
		return p.bindMappedLocked(h, local)
	case p.Ports.Size() == 0:
		ln, err = Listen(netip.AddrPortFrom(local, 0))
		return ln, 0, err
	}
	for range p.Ports.Size() {
		if h.last++; h.last < p.Ports.First || h.last > p.Ports.Last {
			h.last = p.Ports.First
		}
		if h.listensLocked(h.last) {
			continue
		}
		if ln, err = Listen(netip.AddrPortFrom(local, h.last)); err == nil {
			return ln, 0, nil
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
	from := live.AddrPortOf(conn.RemoteAddr()).Addr()
	pt.pool.mu.Lock()
	r := pt.waiting[from]
	if r == nil {
		r = pt.waiting[netip.Addr{}]
	}
	if r != nil {
		pt.dropLocked(r)
		r.arrived <- conn // never blocks: nothing else comes after the drop
	}
	pt.pool.mu.Unlock()
	if r == nil {
		reset(conn)
	}
}

// release ends the reservation. A connection that has arrived and was not taken is
// closed; one that comes later is reset. Releasing twice is harmless.
func (r *reservation) release() {
	r.port.pool.mu.Lock()
	r.port.leaveLocked(r)
	r.port.pool.mu.Unlock()
	select {
	case conn := <-r.arrived:
		_ = conn.Close() // in order: its client may wait for that
	default:
	}
}

// leaveLocked takes r out of the list, if it is there: then its client has not
// connected. Nothing tells a connection that comes now from that of the next
// reservation. So the port is closed, which resets what the kernel has accepted and we
// have not; or, as long as others wait there, not given to this client again.
func (pt *port) leaveLocked(r *reservation) {
	if pt.waiting[r.client] != r {
		return
	}
	delete(pt.waiting, r.client)
	pt.host.noteLocked(spot{r.client, pt.number}, leave{pt, time.Now()})
	if len(pt.waiting) == 0 {
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

// dropLocked takes r out of the list, whose client has connected, and closes the port
// if it was opened only because all others were taken.
func (pt *port) dropLocked(r *reservation) {
	delete(pt.waiting, r.client)
	if len(pt.waiting) == 0 && len(pt.host.open) > SparePorts {
		pt.retireLocked()
	}
}

// retireLocked closes the port and forgets it. Its number is free again.
func (pt *port) retireLocked() {
	h := pt.host
	h.open = slices.DeleteFunc(h.open, func(other *port) bool { return other == pt })
	h.short = false
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
