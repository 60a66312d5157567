package metrics

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func TestConnectionsAfterFaultsAreCompleteOrAnError(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	local, remote := addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())
	ends := 0
	list := func(f Filter) func() error {
		return func() error {
			ends = 0
			for c, err := range (Host{}).Connections(f) {
				if err != nil {
					return err
				}
				if c.Local == local && c.Remote == remote || c.Local == remote && c.Remote == local {
					ends++
					if f.PID != 0 && c.PID != f.PID || f.TCP && c.TCP.RTT == 0 {
						return fmt.Errorf("got %+v", c)
					}
				}
			}
			return nil
		}
	}
	check := func(errno syscall.Errno, err error) error {
		if err == nil && ends != 2 || errno == unix.EINTR && err != nil {
			return fmt.Errorf("got %d ends and %w, want 2", ends, err)
		}
		return nil
	}
	eachFault(t, list(Filter{TCP: true, Drops: true, States: States(Established)}), check)
	eachFault(t, list(Filter{PID: os.Getpid(), States: States(Established)}), func(errno syscall.Errno, err error) error {
		if errno == unix.ENOENT || errno == unix.ESRCH { // looks like a descriptor that has been closed
			return nil
		}
		return check(errno, err)
	})
	_ = client
}

// corruptMessages are ways to corrupt a netlink answer, and the errors that must be
// returned.
var corruptMessages = []struct {
	name    string
	corrupt func(b []byte) int
	err     error // nil: none
}{
	{"nothing", func([]byte) int { return 0 }, errMalformed},
	{"cut in the first header", func([]byte) int { return 10 }, errMalformed},
	{"cut in a row", func(b []byte) int { return min(len(b)-1, unix.NLMSG_HDRLEN+20) }, errMalformed},
	{"an error", func(b []byte) int { return put(b, unix.NLMSG_ERROR, 20, -int32(unix.EACCES)) }, fs.ErrPermission},
	{"an error without a number", func(b []byte) int { return put(b, unix.NLMSG_ERROR, unix.NLMSG_HDRLEN, 0) }, errMalformed},
	{"an end with an error", func(b []byte) int { return put(b, unix.NLMSG_DONE, 20, -int32(unix.ENOMEM)) }, unix.ENOMEM},
	{"an overrun", func(b []byte) int { return put(b, unix.NLMSG_OVERRUN, unix.NLMSG_HDRLEN, 0) }, unix.ENOBUFS},
	{"a row that is too short", func(b []byte) int { return put(b, unix.SOCK_DIAG_BY_FAMILY, 20, 0) }, errMalformed},
}

// put overwrites the first message in b with one of n bytes that has the given type
// and error code and the same sequence number.
func put(b []byte, kind uint16, n int, code int32) int {
	binary.NativeEndian.PutUint32(b, uint32(n))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint32(b[unix.NLMSG_HDRLEN:], uint32(code))
	return n
}

func TestACorruptNetlinkAnswerIsAnError(t *testing.T) {
	nettest.CheckLeaks(t)
	defer func() { corruptAnswer = nil }()
	server, client := nettest.Pair(t)
	local, remote := addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())
	for _, tt := range corruptMessages {
		for name, act := range map[string]func() error{
			"connections": func() error {
				for _, err := range (Host{}).Connections(Filter{TCP: true}) {
					if err != nil {
						return err
					}
				}
				return nil
			},
			"peer": func() error { _, err := Host{}.Peer(local, remote); return err },
		} {
			for n := 1; ; n++ {
				answers := 0
				corruptAnswer = func(call string, b []byte) int {
					if call == "recv" {
						if answers++; answers == n {
							return tt.corrupt(b)
						}
					}
					return len(b)
				}
				err := act()
				corruptAnswer = nil
				if answers < n {
					break
				}
				if !errors.Is(err, tt.err) {
					t.Errorf("%s, answer %d is %s: got %v, want %v", name, n, tt.name, err, tt.err)
				}
			}
		}
	}
	_ = client
}

// NLM_F_DUMP_INTR means that sockets were opened or closed during the dump. The
// sockets that it lists are valid.
func TestAnInterruptedDumpIsAccepted(t *testing.T) {
	server, _ := nettest.Pair(t)
	defer func() { corruptAnswer = nil }()
	corruptAnswer = func(_ string, b []byte) int {
		for rest := b; len(rest) >= unix.NLMSG_HDRLEN; {
			binary.NativeEndian.PutUint16(rest[6:], binary.NativeEndian.Uint16(rest[6:])|unix.NLM_F_DUMP_INTR)
			rest = rest[min(align4(int(binary.NativeEndian.Uint32(rest))), len(rest)):]
		}
		return len(b)
	}
	if _, ok := find(t, rows(t, Filter{}), addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())); !ok {
		t.Error("the server's end is missing")
	}
}

// Without the module tcp_diag, the kernel answers every request with ENOENT.
func TestWithoutTCPDiagConnectionsAreUnsupported(t *testing.T) {
	defer func() { corruptAnswer = nil }()
	corruptAnswer = func(_ string, b []byte) int {
		return put(b, unix.NLMSG_ERROR, unix.NLMSG_HDRLEN+4, -int32(unix.ENOENT))
	}
	for _, err := range (Host{}).Connections(Filter{}) {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Connections: got %v, want errors.ErrUnsupported", err)
		}
	}
	here := netip.MustParseAddrPort("127.0.0.1:1")
	if p, err := (Host{}).Peer(here, here); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Peer: got %+v and %v, want errors.ErrUnsupported", p, err)
	}
}

func TestPeerAfterFaults(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	local, remote := addrPort(server.LocalAddr()), addrPort(server.RemoteAddr())
	var got Peer
	h := tree(t, "linux-6.6") // has few processes, so few calls can fail
	eachFault(t, func() (err error) { got, err = h.Peer(local, remote); return err }, func(errno syscall.Errno, err error) error {
		if errors.Is(err, ErrNoPeer) && errno != unix.ENOENT || errno == unix.EINTR && err != nil {
			return fmt.Errorf("got %w", err)
		}
		if err == nil && (unmapped(got.Local) != remote || got.TCP.RTT == 0 || got.Have.Has(ConnectionPID)) {
			return fmt.Errorf("got %+v", got)
		}
		return nil
	})
	_ = client
}

func TestOtherSocketsAfterFaultsAreCompleteOrAnError(t *testing.T) {
	nettest.CheckLeaks(t)
	bound, connected := udpSockets(t)
	ln, err := net.Listen("unix", elsewhereName+"-not")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	for _, tt := range []struct {
		name string
		list func() (int, error) // returns how many of ours it has found
		want int
	}{
		{"UDP", func() (n int, err error) {
			for c, err := range (Host{}).Connections(Filter{Protocol: ProtocolUDP, Drops: true}) {
				if err != nil {
					return 0, err
				}
				if c.Local == addrPort(bound.LocalAddr()) || c.Local == addrPort(connected.LocalAddr()) {
					n++
				}
			}
			return n, nil
		}, 2},
		{"unix", func() (n int, err error) {
			for s, err := range (Host{}).UnixSockets(UnixFilter{}) {
				if err != nil {
					return 0, err
				}
				if s.Path == ln.Addr().String() {
					n++
				}
			}
			return n, nil
		}, 1},
	} {
		got := 0
		act := func() (err error) { got, err = tt.list(); return err }
		eachFault(t, act, func(errno syscall.Errno, err error) error {
			if err == nil && got != tt.want || errno == unix.EINTR && err != nil {
				return fmt.Errorf("%s: got %d and %w, want %d", tt.name, got, err, tt.want)
			}
			return nil
		})
		for _, c := range corruptMessages {
			corruptAnswer = func(call string, b []byte) int {
				if call != "recv" {
					return len(b)
				}
				corruptAnswer = nil
				return c.corrupt(b)
			}
			if err := act(); !errors.Is(err, c.err) {
				t.Errorf("%s, %s: got %v, want %v", tt.name, c.name, err, c.err)
			}
			corruptAnswer = nil
		}
	}
}
