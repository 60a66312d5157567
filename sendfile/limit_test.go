package sendfile_test

import (
	"context"
	"io"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// Options.Wait may block for longer than Options.Timeout.
func TestTimeSpentInWaitIsNoStall(t *testing.T) {
	const timeout = 400 * time.Millisecond
	const size = 2 << 20
	for _, tt := range sendMethods {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			nettest.SmallBuffers(t, server, 64<<10)
			nettest.SmallBuffers(t, client, 64<<10)
			f := nettest.PatternFile(t, size)
			got := nettest.Sum(t, client)
			asked := 0
			res, err := sendfile.SendWithoutQueueSize(t.Context(), tt.wrap(server), f, 0, -1, &sendfile.Options{
				Timeout: timeout, Method: tt.method, Chunk: size / 2,
				Wait: func(_ context.Context, n int) (int, error) {
					if asked++; asked == 2 { // the first chunk has waited for the peer
						time.Sleep(timeout + timeout/2)
					}
					return n, nil
				},
			})
			if err != nil || res.Sent != size {
				t.Errorf("Send = %+v, %v, want %d bytes", res, err, size)
			}
			if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, size) {
				t.Errorf("the peer got %d bytes of other content", g.N)
			}
		})
	}
	for _, method := range uploadMethods {
		t.Run("receive/"+method.name, func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			f := target(t, 0)
			feed(client, size, func() { _ = client.CloseWrite() })
			asked := 0
			res, err := sendfile.Receive(t.Context(), f, method.wrap(server), 0, -1, &sendfile.Options{
				Timeout: timeout, Method: method.option, Chunk: size / 2,
				Wait: func(_ context.Context, n int) (int, error) {
					if asked++; asked == 2 {
						time.Sleep(timeout + timeout/2)
					}
					return n, nil
				},
			})
			if err != nil || res.Sent != size {
				t.Errorf("Receive = %+v, %v, want %d bytes", res, err, size)
			}
		})
	}
}

// idleTime adds up the idle time that Options.Idle reports.
type idleTime struct {
	t     *testing.T
	since time.Time // zero: not idle
	sum   time.Duration
}

func (i *idleTime) observe(idle bool) {
	switch {
	case idle != i.since.IsZero():
		i.t.Errorf("Idle(%v) was called twice in a row", idle)
	case idle:
		i.since = time.Now()
	default:
		i.sum += time.Since(i.since)
		i.since = time.Time{}
	}
}

func TestReceiveReportsWhenItWaitsForThePeer(t *testing.T) {
	const size, pause = 300_000, 10 * time.Millisecond
	for _, method := range uploadMethods {
		t.Run(method.name+"/for a sender that pauses", func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			f := target(t, 0)
			go func() {
				_, _ = io.Copy(client, nettest.Trickle(nettest.Pattern(size), size/20, pause))
				_ = client.CloseWrite()
			}()
			idle := idleTime{t: t}
			begin := time.Now()
			res, err := sendfile.Receive(t.Context(), f, method.wrap(server), 0, -1, &sendfile.Options{Method: method.option, Idle: idle.observe})
			took := time.Since(begin)
			if err != nil || res.Sent != size || !idle.since.IsZero() {
				t.Errorf("Receive = %+v, %v, want %d bytes and no wait that goes on", res, err, size)
			}
			if idle.sum < took/2 || idle.sum > took {
				t.Errorf("waited %v of %v for the peer, want most of it", idle.sum, took)
			}
		})
		t.Run(method.name+"/but not for a disk", func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			f := target(t, 0)
			feed(client, size, func() { _ = client.CloseWrite() })
			idle := idleTime{t: t}
			disk := func() { time.Sleep(pause) }
			begin := time.Now()
			res, err := sendfile.ReceiveToDisk(disk, t.Context(), f, method.wrap(server), 0, -1, &sendfile.Options{Method: method.option, Chunk: size / 30, Idle: idle.observe})
			took := time.Since(begin)
			if err != nil || res.Sent != size {
				t.Errorf("Receive = %+v, %v, want %d bytes", res, err, size)
			}
			if idle.sum > took/2 {
				t.Errorf("waited %v of %v for a peer that sends without a pause", idle.sum, took)
			}
		})
	}
}
