package loopback

import (
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyConnectionsToALoopbackAddressAreNotPaced(t *testing.T) {
	for _, test := range []struct{ listen, dial string }{
		{"127.0.0.1:0", "127.0.0.1"},
		{"127.8.0.1:0", "127.8.0.1"},
		{"[::1]:0", "::1"},
		{"0.0.0.0:0", "127.0.0.1"},
		{"[::]:0", "127.0.0.1"},
	} {
		t.Run(test.listen, func(t *testing.T) {
			before := congestionOf(t, &net.ListenConfig{}, test.listen, test.dial)
			want := "reno"
			if host, _, _ := net.SplitHostPort(test.listen); net.ParseIP(host).IsUnspecified() {
				want = before
			}
			if got := congestionOf(t, &net.ListenConfig{Control: Control}, test.listen, test.dial); got != want {
				t.Errorf("an accepted connection uses %q, want %q; without Control %q", got, want, before)
			}
		})
	}
}

// congestionOf returns the congestion control of an accepted connection.
func congestionOf(t *testing.T, lc *net.ListenConfig, listen, dial string) string {
	t.Helper()
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(t.Context(), "tcp", listen)
	if err != nil {
		t.Skip(err) // a host without IPv6
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	client, err := net.Dial("tcp", net.JoinHostPort(dial, port))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	raw, err := accepted.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var name string
	if e := raw.Control(func(fd uintptr) { name, err = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	return name
}
