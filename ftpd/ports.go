package ftpd

import (
	"context"
	"errors"
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

// size returns the number of ports; zero: the choice is the system's.
func (r PortRange) size() int {
	if r == (PortRange{}) {
		return 0
	}
	return int(r.Last) - int(r.First) + 1
}

// sparePorts is how many ports stay open on an address once they were needed.
// They are used in turn, so that a late connection to one finds nobody there.
const sparePorts = 16

var errNoPort = errors.New("no port is free for a data connection")

// portPool are the ports that passive data connections come to. They stay open
// from one transfer to the next: to open one for each costs more than a small
// file. Several hosts can wait on one port, since a connection belongs to the
// reservation of the host it comes from; who has none is reset at once.
//
// A port listens only on the address that a control connection came to.
type portPool struct {
	ports   PortRange // set before the first reserve
	running sync.WaitGroup

	mu     sync.Mutex // guards the fields below, and those of ports and reservations
	closed bool
	hosts  map[netip.Addr]*hostPorts // by local address
}

// hostPorts are the open ports of one local address.
type hostPorts struct {
	open  []*port
	turn  int    // index in open of the port used last
	last  uint16 // of the range, tried last; 0: none
	short bool   // there are fewer than sparePorts, and no more to be had
}

// port is a listening socket.
type port struct {
	pool    *portPool
	host    *hostPorts
	ln      *net.TCPListener
	number  uint16
	waiting map[netip.Addr]*reservation // by the address of the client
}

// reservation is the right of one client to connect to one port, once.
type reservation struct {
	port    *port
	client  netip.Addr
	arrived chan *net.TCPConn // holds the connection until it is taken
}

// reserve returns a port on local for client. The caller releases it.
func (p *portPool) reserve(local, client netip.Addr) (*reservation, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, net.ErrClosed
	}
	host := p.hosts[local]
	if host == nil {
		if p.hosts == nil {
			p.hosts = make(map[netip.Addr]*hostPorts)
		}
		host = new(hostPorts)
		p.hosts[local] = host
	}
	if len(host.open) < sparePorts && !host.short {
		host.short = p.openLocked(host, local) != nil
	}
	pt := host.freeLocked(client)
	if pt == nil { // the client holds all there are
		if err := p.openLocked(host, local); err != nil {
			return nil, err
		}
		pt = host.freeLocked(client)
	}
	r := &reservation{port: pt, client: client, arrived: make(chan *net.TCPConn, 1)}
	pt.waiting[client] = r
	return r, nil
}

// PortsInUse returns how many ports a client is awaited on, on all addresses
// together, and how many there may be on each; 0: as many as the system has.
func (s *Server) PortsInUse() (used, total int) {
	p := &s.ports
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, host := range p.hosts {
		for _, pt := range host.open {
			if len(pt.waiting) > 0 {
				used++
			}
		}
	}
	return used, s.PassivePorts.size()
}

// freeLocked returns the next port where client has no reservation; nil: there
// is none.
func (h *hostPorts) freeLocked(client netip.Addr) *port {
	for range h.open {
		h.turn = (h.turn + 1) % len(h.open)
		if pt := h.open[h.turn]; pt.waiting[client] == nil {
			return pt
		}
	}
	return nil
}

// openLocked opens one more port and serves it. It is the next one of the range
// that can be bound.
func (p *portPool) openLocked(host *hostPorts, local netip.Addr) error {
	if p.ports.size() == 0 {
		return p.listenLocked(host, netip.AddrPortFrom(local, 0))
	}
	for range p.ports.size() {
		if host.last++; host.last < p.ports.First || host.last > p.ports.Last {
			host.last = p.ports.First
		}
		if slices.ContainsFunc(host.open, func(pt *port) bool { return pt.number == host.last }) {
			continue
		}
		if p.listenLocked(host, netip.AddrPortFrom(local, host.last)) == nil {
			return nil
		}
	}
	return errNoPort
}

func (p *portPool) listenLocked(host *hostPorts, addr netip.AddrPort) error {
	ln, err := listenData(addr)
	if err != nil {
		return err
	}
	pt := &port{
		pool: p, host: host, ln: ln, number: uint16(ln.Addr().(*net.TCPAddr).Port),
		waiting: make(map[netip.Addr]*reservation),
	}
	host.open = append(host.open, pt)
	p.running.Go(pt.serve)
	return nil
}

// listenData listens for data connections.
func listenData(addr netip.AddrPort) (*net.TCPListener, error) {
	network := "tcp6"
	if addr.Addr().Is4() {
		network = "tcp4"
	}
	lc := net.ListenConfig{KeepAlive: -1} // a stall is noticed sooner
	lc.SetMultipathTCP(false)             // or sendfile would meet a socket it may not know
	ln, err := lc.Listen(context.Background(), network, addr.String())
	if err != nil {
		return nil, err
	}
	return ln.(*net.TCPListener), nil
}

// serve gives each connection to the client it comes from, until the port is
// closed.
func (pt *port) serve() {
	var pause time.Duration
	for {
		tcp, err := pt.ln.AcceptTCP()
		switch {
		case err == nil:
			pause = 0
			pt.deliver(tcp)
		case passes(err):
			pause = min(max(2*pause, minPause), maxPause)
			time.Sleep(pause)
		default:
			return
		}
	}
}

func (pt *port) deliver(tcp *net.TCPConn) {
	from := live.AddrPortOf(tcp.RemoteAddr())
	pt.pool.mu.Lock()
	r := pt.waiting[from.Addr()]
	if r != nil {
		pt.dropLocked(r)
		r.arrived <- tcp // never blocks: nothing else comes after the drop
	}
	pt.pool.mu.Unlock()
	if r == nil {
		reset(tcp)
	}
}

// release ends the reservation. A connection that has arrived and was not
// taken is closed. Releasing twice is harmless.
func (r *reservation) release() {
	r.port.pool.mu.Lock()
	r.port.dropLocked(r)
	r.port.pool.mu.Unlock()
	select {
	case tcp := <-r.arrived:
		reset(tcp)
	default:
	}
}

// dropLocked takes r out of the list, and closes the port if it was opened only
// because all others were taken.
func (pt *port) dropLocked(r *reservation) {
	if pt.waiting[r.client] != r {
		return
	}
	delete(pt.waiting, r.client)
	if len(pt.waiting) == 0 && len(pt.host.open) > sparePorts {
		pt.host.open = slices.DeleteFunc(pt.host.open, func(other *port) bool { return other == pt })
		_ = pt.ln.Close()
	}
}

// close closes all ports and waits until nobody serves them.
func (p *portPool) close() {
	p.mu.Lock()
	p.closed = true
	for _, host := range p.hosts {
		for _, pt := range host.open {
			_ = pt.ln.Close()
		}
	}
	p.mu.Unlock()
	p.running.Wait()
}

// reset closes tcp without waiting for anything it has to send.
func reset(tcp *net.TCPConn) {
	_ = tcp.SetLinger(0)
	_ = tcp.Close()
}
