package load

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestAClientWithoutAFreePortDialsFromAnotherLoopbackAddress(t *testing.T) {
	busy := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)}
	failed := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, tt := range []struct {
		name    string
		address string
		answers []error // of each attempt
		want    error
	}{
		{"a free port", "127.0.0.1:1", []error{nil}, nil},
		{"no port at the first two addresses", "127.0.0.1:1", []error{busy, busy, nil}, nil},
		{"refused", "127.0.0.1:1", []error{failed}, failed},
		{"refused at the second address", "127.0.0.1:1", []error{busy, failed}, failed},
		{"another machine", "192.0.2.1:1", []error{busy}, busy},
		{"IPv6 has one address", "[::1]:1", []error{busy}, busy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := map[string]bool{}
			_, err := dialFromAny(tt.address, func(from net.Addr) (net.Conn, error) {
				n := len(seen)
				if n == len(tt.answers) {
					t.Fatalf("more than %d attempts", n)
				}
				name := ""
				if from != nil {
					name = from.String()
				}
				if seen[name] {
					t.Errorf("dialed from %q twice", name)
				}
				seen[name] = true
				return nil, tt.answers[n]
			})
			if !errors.Is(err, tt.want) || len(seen) != len(tt.answers) {
				t.Errorf("got %v after %d attempts, want %v after %d", err, len(seen), tt.want, len(tt.answers))
			}
		})
	}
	always := func(net.Addr) (net.Conn, error) { return nil, busy }
	if _, err := dialFromAny("127.0.0.1:1", always); kindOf(err) != noPort {
		t.Errorf("got %v, want the error of the first attempt", err)
	}
}
