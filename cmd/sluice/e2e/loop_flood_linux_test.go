//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// flood is many connections from several addresses of this host.
type flood []net.Conn

const (
	floodConns = 5000
	floodAddrs = 10
)

// floodFrom returns address i of the clients of a flood.
func floodFrom(i int) net.IP { return net.IPv4(127, 0, 1, byte(1+i%floodAddrs)) }

// openFlood connects n clients, which send nothing. The end of the test closes them.
func openFlood(t *testing.T, s *server, n int) (f flood) {
	t.Helper()
	t.Cleanup(f.close)
	for i := range n {
		c, err := dialFrom(t, s, floodFrom(i))
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		f = append(f, c)
	}
	t.Cleanup(f.close)
	return f
}

func (f flood) close() {
	for _, c := range f {
		_ = c.Close()
	}
}

// dialFrom connects from an address of this host.
func dialFrom(t *testing.T, s *server, from net.IP) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: patience}
	return d.DialContext(t.Context(), "tcp", s.http.Host)
}

// open counts the connections that the server has not closed. An answer, such as a
// refusal, is read.
func (f flood) open(t *testing.T) (n int) {
	t.Helper()
	buf := make([]byte, 4096)
	for _, c := range f {
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		isOpen := false
		if err := raw.Control(func(fd uintptr) {
			got := 1
			for err = error(nil); got > 0 && err == nil; {
				got, err = unix.Read(int(fd), buf)
			}
			isOpen = err == unix.EAGAIN
		}); err != nil {
			t.Fatal(err)
		}
		if isOpen {
			n++
		}
	}
	return n
}

// wantServedWithin checks that 95 % of the requests of a client, each on a new connection
// from an address that the flood does not use, are answered within a second, with a status
// of these.
func (s *server) wantServedWithin(limit time.Duration, statuses ...int) {
	s.t.Helper()
	const requests = 50
	var took []time.Duration
	for range requests {
		begin := time.Now()
		status, err := getFrom(s, net.IPv4(127, 0, 2, 1))
		took = append(took, time.Since(begin))
		if err != nil || !slices.Contains(statuses, status) {
			s.t.Errorf("status %d, %v; want one of %v", status, err, statuses)
		}
	}
	slices.Sort(took)
	if p95 := took[requests*95/100]; p95 > limit {
		s.t.Errorf("95 %% of the requests took %v, want at most %v", p95, limit)
	}
}

// closed is the status of a connection that was closed without an answer: only so many
// refusals have one.
const closed = 1

// getFrom requests a file from an address of this host.
func getFrom(s *server, from net.IP) (status int, err error) {
	c, err := dialFrom(s.t, s, from)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, "GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") // fails if it was closed

	content, err := io.ReadAll(c)
	if isCut := errors.Is(err, syscall.ECONNRESET); len(content) == 0 && (isCut || err == nil) {
		return closed, nil
	}
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscanf(string(content), "HTTP/1.1 %d ", &status)
	return status, err
}

// sessions returns the number of connections that the server knows.
func (s *server) sessions() int { return int(s.metric("sluice_sessions", `protocol="http"`)) }

// A flood of clients that send nothing takes no more than the limits let it, and nothing
// is left of it.
func TestAFloodOfSilentClients(t *testing.T) {
	parallelDrivers(t, func(t *testing.T, d driver) {
		for _, tt := range []struct {
			name      string
			flags     []string
			most      int   // connections that the server may hold
			statuses  []int // that a client at another address may get
			overLimit []int // that a client at an address of the flood may get
		}{
			{"without limits", nil, floodConns, []int{200}, []int{200}},
			{"with a limit for each address", []string{"--max-conns-per-addr", "50"}, 50 * floodAddrs, []int{200}, []int{200, 503, closed}},
			{"with a limit for all", []string{"--max-conns", "1000"}, 1000, []int{200, 503, closed}, []int{200, 503, closed}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				s := d.serve(t, t.TempDir(), tt.flags...)
				s.file("small", 1000)
				s.wantServedWithin(patience, http.StatusOK)
				before := s.held()
				f := openFlood(t, s, floodConns)
				s.wantServedWithin(time.Second, tt.statuses...)
				if status, err := getFrom(s, floodFrom(0)); err != nil || !slices.Contains(tt.overLimit, status) {
					t.Errorf("at an address of the flood: status %d, %v; want one of %v", status, err, tt.overLimit)
				}
				if got := s.sessions(); got > tt.most {
					t.Errorf("the server has %d connections, want at most %d", got, tt.most)
				}
				if tt.most < floodConns {
					// A connection that is not accepted yet, because it has sent nothing, does not
					// count, and need not be closed.
					if held := s.held(); held.descriptors > before.descriptors+tt.most+refusals {
						t.Errorf("the server has %v, before %v, want at most %d more descriptors", held, before, tt.most)
					}
				}
				f.close()
				s.wantHeld(t, before)
				s.wantServedWithin(time.Second, http.StatusOK)
			})
		}
	})
}

// refusals is how many connections a server may refuse at a time, with an answer, beyond
// its limit.
const refusals = 72

// The limits hold for clients that have sent something, too: they are not only those that
// the kernel has not handed over.
func TestAFloodOfClientsThatHaveSentSomething(t *testing.T) {
	const perAddr, most = 50, 200
	parallelDrivers(t, func(t *testing.T, d driver) {
		for _, tt := range []struct {
			name  string
			flags []string
			most  int
		}{
			{"with a limit for each address", []string{"--max-conns-per-addr", fmt.Sprint(perAddr)}, perAddr * floodAddrs},
			{"with a limit for all", []string{"--max-conns", fmt.Sprint(most)}, most},
		} {
			t.Run(tt.name, func(t *testing.T) {
				s := d.serve(t, t.TempDir(), tt.flags...)
				s.file("small", 1000)
				s.wantServedWithin(patience, http.StatusOK)
				before := s.held()
				f := openFlood(t, s, 1000)
				for _, c := range f {
					_, _ = io.WriteString(c, "G") // fails if it was refused
				}
				eventually(t, "the server has closed those beyond the limit", func() bool { return f.open(t) <= tt.most })
				eventually(t, "the server has as many as the limit lets it", func() bool { return s.sessions() == tt.most })
				if got := f.open(t); got != tt.most {
					t.Errorf("%d connections are open, want %d", got, tt.most)
				}
				f.close()
				s.wantHeld(t, before)
				s.wantServedWithin(time.Second, http.StatusOK)
			})
		}
	})
}

// headerTime is how long the head of a request may take, from its first byte on.
const headerTime = 10 * time.Second

// A client that sends a byte each second is cut by the time limit of the head, and
// delays no others. So is one that sends a first part and no more.
func TestSlowHeadersAreCut(t *testing.T) {
	const clients = 500
	parallelDrivers(t, func(t *testing.T, d driver) {
		s := d.serve(t, t.TempDir())
		s.file("small", 1000)
		s.wantServedWithin(patience, http.StatusOK)
		before := s.held()
		f := openFlood(t, s, clients)
		begin := time.Now()
		var sending sync.WaitGroup
		for i, c := range f {
			sending.Go(func() {
				line := get("small")
				tick := time.NewTicker(time.Second)
				defer tick.Stop()
				for n := range len(line) - 1 {
					if i%2 == 0 && n > 0 {
						break
					}
					if _, err := io.WriteString(c, line[n:n+1]); err != nil {
						break
					}
					<-tick.C
				}
				_ = c.SetReadDeadline(begin.Add(headerTime * 3 / 2))
				_, err := io.Copy(io.Discard, c)
				took := time.Since(begin)
				if e, ok := err.(net.Error); ok && e.Timeout() || took < headerTime*9/10 || took > headerTime*5/4 {
					t.Errorf("client %d: cut after %v, %v; want %v", i, took, err, headerTime)
				}
			})
		}
		s.wantServedWithin(time.Second, http.StatusOK)
		sending.Wait()
		s.wantServedWithin(time.Second, http.StatusOK)
		f.close()
		s.wantHeld(t, before)
	})
}
