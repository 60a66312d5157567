package dataconn

import (
	"net"
	"net/netip"
	"time"
)

// NewConnForTest returns tcp as a data connection.
func NewConnForTest(tcp net.Conn) *Conn { return &Conn{tcp: tcp} }

// LeaveEverywhere records that client has just left every port of local without connecting, as a client does that
// reserves thousands.
func (p *Pool) LeaveEverywhere(local, client netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for number := range 1 << 16 {
		p.hosts[local].recordDepartureLocked(clientPort{client, uint16(number)}, departure{at: time.Now()})
	}
}

// Opened returns how many ports are open on local.
func (p *Pool) Opened(local netip.Addr) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.hosts[local].open)
}
