package drive

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/httpd/internal/sockets"
	"sluice/internal/nettest"
)

func TestDeferredAcceptIsOffDuringAFloodOfSilentClients(t *testing.T) {
	nettest.CheckLeaks(t)
	var addr string
	fd := listeningSocket(t, &addr)
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Listen(fd, 1); err != nil { // so that one client fills half the queue
		t.Fatal(err)
	}
	if _, _, ok := sockets.HalfOpen([]int{fd}); !ok {
		t.Skip("the system does not say how long the queue is") // emulators of Linux do not
	}
	s := &Loops{config: Config{Sockets: []int{fd}, Released: func() {}}}
	s.all = []*loop{{set: s}}
	s.setDeferAccept(true)
	for _, step := range []struct {
		name   string
		before func()
		silent uint64
		isOn   bool
	}{
		{"no client", nil, 0, true},
		{"silent clients, none of which is in the queue", nil, manySilent + 1, true},
		{"silent clients in the queue, but few", func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}, manySilent, true},
		{"many, and the queue is half full", nil, manySilent + 1, false},
		{"the flood goes on", nil, manySilent + 1, false},
		{"the flood is over", nil, manySilent, true},
		{"another flood when the sockets were given back", s.release, manySilent + 1, true},
	} {
		if step.before != nil {
			step.before()
		}
		s.all[0].counts.silent.Add(step.silent)
		s.deferral.adapt(s)
		seconds, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT)
		if err != nil || (seconds > 0) != step.isOn {
			t.Errorf("%s: %d seconds, %v, want deferred accept: %v", step.name, seconds, err, step.isOn)
		}
	}
}
