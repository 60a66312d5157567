package sendfile

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/nettest"
)

// fakeSocket is a socket with a send buffer as Linux has it: when it was full it becomes
// writable again only when a third of it is free. Nothing is sent: take removes what the
// peer takes.
type fakeSocket struct {
	net.Conn // nil: the methods that are used are below
	room     int

	mu       sync.Mutex // guards the fields below
	queue    int        // bytes that the peer has not acknowledged
	acked    int64
	ackedAt  time.Time
	window   int64 // room that the peer has announced, and in which no whole packet fits
	isFull   bool
	deadline time.Time
	changed  chan struct{} // closed at each change
}

func newFakeSocket(room int) *fakeSocket {
	return &fakeSocket{room: room, changed: make(chan struct{}), ackedAt: time.Now(), window: 15_000}
}

func (s *fakeSocket) LocalAddr() net.Addr                   { return nil }
func (s *fakeSocket) SyscallConn() (syscall.RawConn, error) { return (*fakeRaw)(s), nil }

func (s *fakeSocket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	s.changeLocked()
	return nil
}

func (s *fakeSocket) changeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// take makes the peer take up to n bytes from the queue. A part of a packet fills the
// room that it has announced; then it takes nothing more.
func (s *fakeSocket) take(n int, fillsRoom bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fillsRoom {
		n, s.window = int(s.window), 0
	}
	n = min(n, s.queue)
	s.queue -= n
	s.acked += int64(n)
	s.ackedAt = time.Now()
	if s.queue <= s.room*2/3 {
		s.isFull = false
	}
	s.changeLocked()
}

// put is a write of n bytes that does not block.
func (s *fakeSocket) put(n int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isFull {
		return -1, syscall.EAGAIN
	}
	n = min(n, s.room-s.queue)
	s.queue += n
	s.isFull = s.queue == s.room
	if n == 0 {
		return -1, syscall.EAGAIN
	}
	return n, nil
}

// Write is that of a net.Conn, which blocks.
func (s *fakeSocket) Write(p []byte) (written int, err error) {
	for written < len(p) && err == nil {
		waitErr := (*fakeRaw)(s).Write(func(uintptr) bool {
			var n int
			if n, err = s.put(len(p) - written); err == nil {
				written += n
			}
			return err == nil
		})
		if waitErr != nil {
			err = waitErr
		}
	}
	return written, err
}

type fakeRaw fakeSocket

func (r *fakeRaw) Control(f func(uintptr)) error {
	f(0)
	return nil
}

func (r *fakeRaw) Read(func(uintptr) bool) error { return errors.ErrUnsupported }

func (r *fakeRaw) Write(f func(uintptr) bool) error {
	for {
		if r.isLate() {
			return os.ErrDeadlineExceeded
		}
		if f(0) {
			return nil
		}
		for r.wait() {
		}
	}
}

func (r *fakeRaw) isLate() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.deadline.IsZero() && !time.Now().Before(r.deadline)
}

// wait waits for a change or the deadline, and reports whether there is more to wait for.
func (r *fakeRaw) wait() bool {
	r.mu.Lock()
	changed, deadline, isFull := r.changed, r.deadline, r.isFull
	r.mu.Unlock()
	switch {
	case !isFull || r.isLate():
		return false
	case deadline.IsZero():
		<-changed
		return true
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
	return true
}

func (s *fakeSocket) kernel() *kernel {
	k := system
	k.sendfile = func(_, _ uintptr, _ *int64, n int) (int, error) { return s.put(n) }
	k.write = func(_ uintptr, p []byte) (int, error) { return s.put(len(p)) }
	k.writeMore = k.write
	k.taken = func(uintptr) (taken, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return taken{acked: s.acked, edge: s.acked + s.window, quiet: time.Since(s.ackedAt)}, nil
	}
	return &k
}

// above is a connection above a socket, as that of TLS: it has no descriptor.
type above struct{ net.Conn }

func (a above) NetConn() net.Conn { return a.Conn }

// A peer is cut when it has taken nothing for the timeout, and at most a tenth later.
func TestAStallLastsForTheTimeout(t *testing.T) {
	const (
		timeout = time.Minute
		room    = 4 << 20
		size    = 16 << 20

		fillsRoom = -1 // in place of a number of bytes
	)
	for _, peer := range []struct {
		name  string
		bytes int           // taken at once
		every time.Duration // how often
		until time.Duration // when it stops; zero: when it has everything
	}{
		{"that takes nothing", 0, 0, 0},
		{"whose system takes a part of a packet", fillsRoom, timeout / 4, timeout * 2},
		{"that takes a KiB each second for an hour", 1 << 10, time.Second, time.Hour},
		{"that takes little", 1, timeout * 9 / 10, time.Hour},
		{"that takes much, and stops", room, time.Second, 5 * time.Second / 2},
		{"that stops early", 100, timeout / 100, timeout / 2},
		{"that takes everything, a third of the buffer in eleven minutes", 2 << 10, time.Second, 0},
	} {
		f := nettest.PatternFile(t, size)
		for _, way := range []struct {
			name string
			call func(t *testing.T, s *fakeSocket, opt *Options) (Result, error)
		}{
			{"sendfile", func(t *testing.T, s *fakeSocket, opt *Options) (Result, error) {
				return send(t.Context(), s, f, 0, -1, opt, s.kernel())
			}},
			{"copy", func(t *testing.T, s *fakeSocket, opt *Options) (Result, error) {
				opt.Method = Copy
				return send(t.Context(), s, f, 0, -1, opt, s.kernel())
			}},
			{"Write", func(t *testing.T, s *fakeSocket, opt *Options) (Result, error) {
				return write(t.Context(), s, make([]byte, size), opt, s.kernel())
			}},
			{"above the socket", func(t *testing.T, s *fakeSocket, opt *Options) (Result, error) {
				return send(t.Context(), above{s}, f, 0, -1, opt, s.kernel())
			}},
		} {
			t.Run(way.name+" to a peer "+peer.name, func(t *testing.T) {
				if system.write == nil {
					t.Skip("no calls on descriptors here")
				}
				synctest.Test(t, func(t *testing.T) {
					s := newFakeSocket(room)
					begin := time.Now()
					var tookAt time.Time // the last time
					done := make(chan struct{})
					if peer.bytes != 0 {
						ticker := time.NewTicker(peer.every)
						defer ticker.Stop()
						go func() {
							for {
								select {
								case <-ticker.C:
								case <-done:
									return
								}
								if peer.until > 0 && time.Since(begin) > peer.until {
									return
								}
								if peer.bytes > 0 {
									tookAt = time.Now()
								}
								s.take(peer.bytes, peer.bytes == fillsRoom)
							}
						}()
					}
					res, err := way.call(t, s, &Options{Timeout: timeout})
					end := time.Now()
					close(done)
					synctest.Wait()
					if peer.bytes > 0 && peer.until == 0 {
						if err != nil || res.Sent != size {
							t.Errorf("%+v, %v after %v, want all", res, err, end.Sub(begin))
						}
						return
					}
					if tookAt.IsZero() {
						tookAt = begin
					}
					var e *Error
					if !errors.As(err, &e) || !e.Timeout() {
						t.Fatalf("%+v, %v, want a timeout of the peer", res, err)
					}
					if took := end.Sub(tookAt); took < timeout || took > timeout*11/10 {
						t.Errorf("cut %v after the peer last took something, want %v", took, timeout)
					}
				})
			})
		}
	}
}
