package drive

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// heldPair returns a socket that a worker holds, and the descriptor of its client.
func heldPair(t *testing.T) (s *socket, client int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Close(pair[0])
		_ = unix.Close(pair[1])
	})
	return &socket{fd: int32(pair[0]), held: newHold()}, pair[1]
}

// fill writes until the socket has no more room.
func fill(t *testing.T, s *socket) {
	t.Helper()
	chunk := make([]byte, 64<<10)
	for {
		_, err := unix.Write(int(s.fd), chunk)
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Package sendfile sets the deadline before each wait.
func TestADeadlineThatIsSetBeforeTheWaitDoesNotWakeTheWorker(t *testing.T) {
	s, _ := heldPair(t)
	fill(t, s)
	raw, err := s.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	_ = s.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	err = raw.Write(func(fd uintptr) bool {
		calls++
		_ = s.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := unix.Write(int(fd), []byte{0})
		return err != unix.EAGAIN || calls > 100
	})
	if !errors.Is(err, os.ErrDeadlineExceeded) || calls != 1 {
		t.Errorf("%d calls and the error %v, want one and the end of the deadline", calls, err)
	}
}

func TestAWorkerWaitsForEvents(t *testing.T) {
	t.Run("for bytes", func(t *testing.T) {
		s, client := heldPair(t)
		got := make(chan string)
		go func() {
			p := make([]byte, 10)
			n, err := s.Read(p)
			if err != nil {
				t.Error(err)
			}
			got <- string(p[:n])
		}()
		await(t, s.held.read.waits)
		if _, err := unix.Write(client, []byte("x")); err != nil {
			t.Fatal(err)
		}
		s.held.signal(unix.EPOLLIN)
		if g := <-got; g != "x" {
			t.Errorf("got %q", g)
		}
	})
	t.Run("for room", func(t *testing.T) {
		s, client := heldPair(t)
		fill(t, s)
		done := make(chan error)
		go func() {
			_, err := s.Write([]byte("x"))
			done <- err
		}()
		await(t, s.held.write.waits)
		for n := 1; n > 0; {
			n, _ = unix.Read(client, make([]byte, 64<<10))
		}
		s.held.signal(unix.EPOLLOUT)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("for the end of the client", func(t *testing.T) {
		s, client := heldPair(t)
		done := make(chan error)
		go func() {
			_, err := s.Read(make([]byte, 1))
			done <- err
		}()
		await(t, s.held.read.waits)
		_ = unix.Shutdown(client, unix.SHUT_WR)
		s.held.signal(unix.EPOLLIN | unix.EPOLLRDHUP)
		if err := <-done; err != io.EOF {
			t.Errorf("got %v", err)
		}
	})
	t.Run("until the deadline comes, which another goroutine sets", func(t *testing.T) {
		s, _ := heldPair(t)
		done := make(chan error)
		go func() {
			_, err := s.Read(make([]byte, 1))
			done <- err
		}()
		await(t, s.held.read.waits)
		_ = s.SetDeadline(time.Now())
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("until the connection is cut", func(t *testing.T) {
		s, _ := heldPair(t)
		done := make(chan error)
		go func() {
			_, err := s.Read(make([]byte, 1))
			done <- err
		}()
		await(t, s.held.read.waits)
		_ = s.Close()
		s.held.signal(unix.EPOLLIN | unix.EPOLLHUP)
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func (w *waiter) waits() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.isWaiting
}

// A connection that is handed over has no descriptor for a moment.
func TestACutWithoutADescriptorIsKnown(t *testing.T) {
	s, _ := heldPair(t)
	_ = s.take()
	_ = s.Close()
	if !s.wasCut() {
		t.Error("nobody sees that the connection was cut")
	}
	if err := s.raw().Control(func(uintptr) { t.Error("called") }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestAWriteToAClientThatHasGoneFails(t *testing.T) {
	s, client := heldPair(t)
	fill(t, s)
	_ = unix.Shutdown(client, unix.SHUT_RD)
	if _, err := s.Write([]byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("got %v", err)
	}
	if a := s.LocalAddr(); a == nil || a.Network() != "unix" {
		t.Errorf("the address is %v", a)
	}
}

// Each transfer asks for the local address, which does not change.
func TestTheLocalAddressIsAskedForOnce(t *testing.T) {
	s, _ := heldPair(t)
	first := s.LocalAddr()
	if allocated := testing.AllocsPerRun(10, func() { s.LocalAddr() }); allocated != 0 {
		t.Errorf("asking again allocates %v times", allocated)
	}
	if again := s.LocalAddr(); again != first {
		t.Errorf("got %v, then %v", first, again)
	}
}
