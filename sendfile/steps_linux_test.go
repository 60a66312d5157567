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

// A play is how a foreign sendfile(2) answers its ith call, counted from 0. It
// has real, which sends for it at an offset and returns what went.
type play func(i int, real func(off int64, n int) (int, error), off *int64, n int) (int, error)

// half sends a part, as a socket does that is nearly full.
func half(real func(int64, int) (int, error), off int64, n int) (int, error) {
	return real(off, n/2+1)
}

func TestStepsKnowTheQuirksOfTheirSystems(t *testing.T) {
	const off, n, chunk = 1000, 200_000, 30_000
	for _, tt := range []struct {
		name    string
		systems []string
		play    play
		// what must come of it
		method sendfile.Method
		sent   int64 // -1: all
		err    error
		side   sendfile.Side
	}{
		{
			name: "a part, without an error and without moving the offset", systems: []string{"freebsd", "dragonfly", "darwin"},
			play: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				return half(real, *off, n)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "a part beside EAGAIN", systems: []string{"freebsd", "dragonfly", "darwin"},
			play: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := half(real, *off, n)
				return sent, or(err, syscall.EAGAIN)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "a part beside EINTR", systems: []string{"freebsd", "dragonfly", "darwin"},
			play: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := half(real, *off, n)
				return sent, or(err, syscall.EINTR)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "EINTR before anything was sent", systems: []string{"linux", "freebsd", "dragonfly", "darwin", "solaris", "illumos"},
			play: func(i int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
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
			name: "a refusal that leaves the count as it was asked for", systems: []string{"darwin"},
			play: func(_ int, _ func(int64, int) (int, error), _ *int64, n int) (int, error) {
				return n, syscall.ENOTSUP
			},
			method: sendfile.Copy, sent: -1,
		},
		{
			name: "such a refusal in the middle", systems: []string{"darwin"},
			play: func(i int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				if i == 2 {
					return n, syscall.EINVAL
				}
				return real(*off, n)
			},
			method: sendfile.Copy, sent: -1,
		},
		{
			name: "a peer that is gone, with the count as it was asked for", systems: []string{"darwin"},
			play: func(i int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				if i == 2 {
					return n, syscall.EPIPE
				}
				return real(*off, n)
			},
			method: sendfile.Sendfile, sent: 2 * chunk, err: syscall.EPIPE, side: sendfile.Peer,
		},
		{
			name: "EINVAL after data was sent", systems: []string{"solaris", "illumos"},
			play: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := real(*off, n)
				*off += int64(sent)
				return -1, or(err, syscall.EINVAL)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "EINVAL before", systems: []string{"solaris", "illumos", "freebsd", "linux"},
			play: func(int, func(int64, int) (int, error), *int64, int) (int, error) {
				return -1, syscall.EINVAL
			},
			method: sendfile.Copy, sent: -1,
		},
		{
			name: "an offset that tells and a count that does not", systems: []string{"solaris", "illumos"},
			play: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := half(real, *off, n)
				*off += int64(sent)
				return 0, err
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "a part beside EINTR, told by the offset", systems: []string{"solaris", "illumos"},
			play: func(_ int, real func(int64, int) (int, error), off *int64, n int) (int, error) {
				sent, err := half(real, *off, n)
				*off += int64(sent)
				return -1, or(err, syscall.EINTR)
			},
			method: sendfile.Sendfile, sent: -1,
		},
		{
			name: "no such call", systems: []string{"linux", "freebsd", "dragonfly", "darwin", "solaris", "illumos"},
			play: func(int, func(int64, int) (int, error), *int64, int) (int, error) {
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
						t.Error("a count of 0 means all of the file on some systems")
					}
					calls++
					return tt.play(calls-1, func(off int64, n int) (int, error) {
						return unix.Sendfile(socket, file, &off, n)
					}, at, n)
				}
				res, err := sendfile.SendByStepOf(system, foreign, context.Background(), server, f, off, n, &sendfile.Options{Chunk: chunk})
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

// or returns err, or instead if there is none.
func or(err, instead error) error {
	if err != nil {
		return err
	}
	return instead
}
