package sendfile_test

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// behavior imitates the ith call, counted from 0, of another system's sendfile(2).
// To send bytes it calls real, which returns how many were sent.
type behavior func(i int, real func(off int64, n int) (int, error), off *int64, n int) (int, error)

// half sends half of n bytes, like a socket that is nearly full.
func half(real func(int64, int) (int, error), off int64, n int) (int, error) {
	return real(off, n/2+1)
}

func TestSendfileCallHandlesTheQuirksOfEachSystem(t *testing.T) {
	const off, n, chunk = 1000, 200_000, 30_000
	for _, tt := range []struct {
		name    string
		systems []string
		behave  behavior
		// The expected results.
		method sendfile.Method
		sent   int64 // -1: all
		err    error
		side   sendfile.Side
	}{
		{
			name: "a part, without an error and without moving the offset", systems: []string{"freebsd", "dragonfly", "darwin"},
			behave: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				return half(real, *off, n)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "a part together with EAGAIN", systems: []string{"freebsd", "dragonfly", "darwin"},
			behave: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := half(real, *off, n)
				return sent, or(err, syscall.EAGAIN)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "a part together with EINTR", systems: []string{"freebsd", "dragonfly", "darwin"},
			behave: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := half(real, *off, n)
				return sent, or(err, syscall.EINTR)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "EINTR before anything was sent", systems: []string{"linux", "freebsd", "dragonfly", "darwin", "solaris", "illumos"},
			behave: func(i int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				if i%2 == 0 {
					return 0, syscall.EINTR
				}
				sent, err := real(*off, n)
				*off += int64(sent)
				return sent, err
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "a refusal that returns n as the count", systems: []string{"darwin"},
			behave: func(_ int, _ func(int64, int) (int, error), _ *int64, n int) (int, error) {
				return n, syscall.ENOTSUP
			},
			method: sendfile.Copy, sent: -1,
		},
		{
			name: "such a refusal after two chunks", systems: []string{"darwin"},
			behave: func(i int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				if i == 2 {
					return n, syscall.EINVAL
				}
				return real(*off, n)
			},
			method: sendfile.Copy, sent: -1,
		},
		{
			name: "a closed connection, with n as the count", systems: []string{"darwin"},
			behave: func(i int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				if i == 2 {
					return n, syscall.EPIPE
				}
				return real(*off, n)
			},
			method: sendfile.Sendfile, sent: 2 * chunk, err: syscall.EPIPE, side: sendfile.Peer,
		},
		{
			name: "EINVAL after data was sent", systems: []string{"solaris", "illumos"},
			behave: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := real(*off, n)
				*off += int64(sent)
				return -1, or(err, syscall.EINVAL)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "EINVAL before data was sent", systems: []string{"solaris", "illumos", "freebsd", "linux"},
			behave: func(int, func(int64, int) (int, error), *int64, int) (int, error) {
				return -1, syscall.EINVAL
			},
			method: sendfile.Copy, sent: -1,
		},
		{
			name: "a right offset with a wrong count", systems: []string{"solaris", "illumos"},
			behave: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := half(real, *off, n)
				*off += int64(sent)
				return 0, err
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "a part together with EINTR, with a right offset and a wrong count", systems: []string{"solaris", "illumos"},
			behave: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := half(real, *off, n)
				*off += int64(sent)
				return -1, or(err, syscall.EINTR)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "no such call", systems: []string{"linux", "freebsd", "dragonfly", "darwin", "solaris", "illumos"},
			behave: func(int, func(int64, int) (int, error), *int64, int) (int, error) {
				return -1, syscall.ENOSYS
			},
			method: sendfile.Copy, sent: -1,
		},
	} {
		for _, system := range tt.systems {
			t.Run(system+"/"+tt.name, func(t *testing.T) {
				server, client := nettest.Pair(t)
				got := nettest.Sum(t, client)
				f := nettest.PatternFile(t, off+n)
				calls := 0
				foreign := func(socket, file int, at *int64, n int) (int, error) {
					if n == 0 {
						t.Error("n is 0, which means all of the file on some systems")
					}
					calls++
					return tt.behave(calls-1, func(off int64, n int) (int, error) {
						return unix.Sendfile(socket, file, &off, n)
					}, at, n)
				}
				res, err := sendfile.SendWithSendfileOf(system, foreign, context.Background(), server, f, off, n, &sendfile.Options{Chunk: chunk})
				if !errors.Is(err, tt.err) || err != nil && sideOf(t, err) != tt.side {
					t.Errorf("error %v, want %v from the %v", err, tt.err, tt.side)
				}
				want := tt.sent
				if want < 0 {
					want = n
				}
				if res.Sent != want || res.Method != tt.method {
					t.Errorf("%d bytes by %v, want %d by %v", res.Sent, res.Method, want, tt.method)
				}
				if g := received(t, server, got); g.SHA256 != nettest.PatternSum(off, want) {
					t.Errorf("the peer got %d bytes, not the %d of the file", g.N, want)
				}
			})
		}
	}
}

// or returns err, or instead if err is nil.
func or(err, instead error) error {
	if err != nil {
		return err
	}
	return instead
}
