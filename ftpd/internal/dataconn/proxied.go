package dataconn

import (
	"net"

	"sluice/internal/live"
	"sluice/internal/proxyhead"
)

// arrive gives a connection to the client that it comes from, or that a proxy names.
func (pt *port) arrive(conn net.Conn) {
	p, from := pt.pool, live.AddrPortOf(conn.RemoteAddr())
	if p.IsProxy == nil || !p.IsProxy(from.Addr()) {
		pt.deliver(conn, from)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = conn.Close()
		return
	}
	if p.headless == nil {
		p.headless = make(map[net.Conn]struct{})
	}
	p.headless[conn] = struct{}{}
	p.running.Go(func() {
		addrs, err := proxyhead.Await(conn)
		p.mu.Lock()
		delete(p.headless, conn)
		p.mu.Unlock()
		switch {
		case err != nil:
			if p.OnHeaderless != nil {
				p.OnHeaderless(from, err)
			}
			reset(conn)
		case addrs.Client.IsValid():
			pt.deliver(conn, addrs.Client)
		default: // the proxy asks whether the port is open
			reset(conn)
		}
	})
}
