package metrics

import (
	"errors"
	"io"
	"net"
	"runtime"
	"testing"

	"sluice/internal/nettest"
)

func newSocket(t testing.TB, c net.Conn) *Socket {
	t.Helper()
	s, err := NewSocket(c.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func skipWithoutTCPInfo(t *testing.T) {
	t.Helper()
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd":
	case "windows":
		if nettest.OnWine() {
			t.Skip("wine has no SIO_TCP_INFO")
		}
	default:
		t.Skip("no TCP_INFO on this system")
	}
}

func TestSampleCountsWhatWasReceived(t *testing.T) {
	skipWithoutTCPInfo(t)
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	const n = 100_000
	go func() { _, _ = io.Copy(server, io.LimitReader(zeros{}, n)) }()
	if _, err := io.CopyN(io.Discard, client, n); err != nil {
		t.Fatal(err)
	}
	var got TCP
	if err := newSocket(t, client).Sample(&got); err != nil {
		t.Fatal(err)
	}
	if got.State != Established {
		t.Errorf("state: got %v, want %v", got.State, Established)
	}
	if got.At.IsZero() {
		t.Error("the sample has no time")
	}
	if got.Have.Has(TCPReceived) && got.Received != n {
		t.Errorf("received: got %d, want %d", got.Received, n)
	}
}

func TestAClosedSocketIsNetErrClosed(t *testing.T) {
	nettest.CheckLeaks(t)
	server, _ := nettest.Pair(t)
	s := newSocket(t, server)
	_ = server.Close()
	var st TCP
	if err := s.Sample(&st); runtime.GOOS == "linux" && !errors.Is(err, net.ErrClosed) {
		t.Errorf("Sample: got %v, want net.ErrClosed", err)
	} else if err == nil {
		t.Error("Sample: got no error")
	}
	if _, err := s.Backlog(); err == nil {
		t.Error("Backlog: got no error")
	}
	if _, err := NewSocket(server); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Errorf("NewSocket: got %v, want net.ErrClosed or nothing", err)
	}
}

// zeros is a reader without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
