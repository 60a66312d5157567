package drive

import (
	"net"
	"os"
	"time"

	"sluice/httpd/internal/h1conn"
)

// hold gives a connection to a worker.
func (l *loop) hold(c *conn) {
	c.place = held
	c.sock.held = newHold()
	l.wheel.set(c.slot, 0)
}

// work carries out the action that may wait. If that was no Work but to send a file, it
// goes on until the Machine needs bytes: the rest of the file may wait too.
func (l *loop) work(c *conn) {
	next := ends
	defer func() {
		if r := recover(); r != nil {
			next = l.recovered(c, r)
		}
		l.mail.post(message{kind: returned, conn: c, next: next})
	}()
	if c.m.Next().Do == h1conn.Work {
		c.m.Work(l.set.config.Server.Base)
		next = hasMore
		return
	}
	c.m.NoWait = false
	switch run(c.m, &c.net, l.set.config.Server) {
	case h1conn.Read:
		next = awaitsBytes
		c.m.NoWait = true
		if c.m.IsIdle() {
			c.m.Release()
			c.m = nil
		}
	case h1conn.HandOver:
		next = handsOver
	}
}

// prepare reads what comes before the first request, and enters the connection into the
// registry.
func (l *loop) prepare(c *conn) {
	config := &l.set.config
	first, err := config.Prepare(&c.net)
	if err != nil {
		l.mail.post(message{kind: returned, conn: c, next: ends})
		return
	}
	if config.Enter(&c.net, time.Now()) != nil {
		l.refuse(c)
		return
	}
	c.net.SetMinRate(config.MinRate, config.Window)
	next := awaitsBytes
	if len(first) > 0 {
		c.m = h1conn.NewMachine(config.Server, &c.net)
		c.m.NoWait = true
		c.m.Received(copy(c.m.Buffer(), first), time.Now())
		next = hasMore
	}
	l.mail.post(message{kind: returned, conn: c, next: next})
}

// refuse answers a connection for which there is no room.
func (l *loop) refuse(c *conn) {
	l.set.config.Refuse(&c.net)
	l.mail.post(message{kind: returned, conn: c, next: ends})
}

// handOver gives a connection to net/http, which needs one of package net. That has a
// descriptor of its own, of the same socket.
func (l *loop) handOver(c *conn, rest []byte) {
	defer l.set.handing.Done()
	f := os.NewFile(uintptr(c.sock.take()), "connection")
	nc, err := net.FileConn(f)
	_ = f.Close()
	if err != nil {
		c.net.Leave()
		return
	}
	c.net.Replace(nc)
	if c.sock.wasCut() {
		_ = c.net.Close() // a Close that came too early for the new connection
		return
	}
	l.set.config.HandOver(&c.net, rest)
}
