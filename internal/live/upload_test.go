package live_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/status"
	"sluice/sendfile"
)

// pause is the delay of a slow disk or client.
const pause = 20 * time.Millisecond

// An upload is limited by the server's disk, by a rate limit, or by the client. The
// cause is known during the upload and at its end.
func TestCausesOfUploads(t *testing.T) {
	atOnce := func(c net.Conn, until <-chan struct{}) {
		for p := make([]byte, 64<<10); ; {
			if _, err := c.Write(p); err != nil {
				return
			}
			select {
			case <-until:
				return
			default:
			}
		}
	}
	slow := func(c net.Conn, until <-chan struct{}) {
		for {
			select {
			case <-until:
				return
			case <-time.After(pause):
				_, _ = c.Write(make([]byte, 1000))
			}
		}
	}
	for _, tt := range []struct {
		name string
		send func(net.Conn, <-chan struct{})
		disk time.Duration // duration of a write
		wait func(context.Context, int) (int, error)
		want live.Cause
	}{
		{"a slow disk", atOnce, pause, nil, live.Application},
		{"a rate limit", atOnce, 0, slowly(10_000), live.RateLimit},
		{"a slow client", slow, 0, nil, live.Sender},
	} {
		for _, method := range []sendfile.Method{sendfile.Copy, sendfile.Auto} {
			t.Run(tt.name+" by "+method.String(), func(t *testing.T) {
				t.Parallel()
				server, client := nettest.Pair(t)
				nettest.SmallBuffers(t, server, 64<<10) // their content is received after the end
				nettest.SmallBuffers(t, client, 64<<10)
				f, err := os.Create(filepath.Join(nettest.TempDir(t), "f"))
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				var r live.Registry
				s := enter(t, &r, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
				defer s.Leave()
				transfer := s.Begin(live.Job{Op: "STOR", Path: "/f", Size: -1, Upload: true})
				opt := sendfile.Options{Method: method, Chunk: 64 << 10, Wait: transfer.Limited(tt.wait), Idle: transfer.Idle}
				opt.Progress = func(res sendfile.Result) {
					time.Sleep(tt.disk)
					transfer.Progress(res)
				}
				known := make(chan struct{})
				ended := make(chan live.Record, 1)
				go func() {
					res, err := sendfile.Receive(context.Background(), f, server, 0, -1, &opt)
					ended <- transfer.End(res, err)
				}()
				go func() {
					tt.send(client, known)
					_ = client.CloseWrite()
					_, _ = io.Copy(io.Discard, client)
				}()
				await(t, &r, func(st status.Transfer) bool { return st.Cause == tt.want.String() })
				close(known)
				if rec := <-ended; rec.Cause != tt.want || rec.Outcome != live.Complete {
					t.Errorf("got %+v, want the cause %v", rec, tt.want)
				}
			})
		}
	}
}

func TestAShortUploadHasNoCause(t *testing.T) {
	var r live.Registry
	s := enter(t, &r, live.Client{})
	transfer := s.Begin(live.Job{Op: "STOR", Upload: true})
	transfer.Idle(true)
	transfer.Idle(false)
	if rec := transfer.End(sendfile.Result{}, nil); rec.Cause != live.Unknown {
		t.Errorf("got %v, want none", rec.Cause)
	}
}

// The Transfer of a server without a Registry is nil. Its methods do nothing and do
// not allocate.
func TestANilUploadDoesNothing(t *testing.T) {
	var none *live.Transfer
	none.Idle(true)
	none.Idle(false)
	wait := none.Limited(func(_ context.Context, n int) (int, error) { return n - 1, io.EOF })
	if n, err := wait(t.Context(), 5); n != 4 || err != io.EOF {
		t.Errorf("Limited: got %d, %v, want the result of the limit: 4, %v", n, err, io.EOF)
	}
	res := sendfile.Result{Sent: 5, Method: sendfile.Splice}
	want := live.Record{Result: res, Outcome: live.Complete, Retransmits: -1}
	if got := none.End(res, nil); got != want {
		t.Errorf("End: got %+v, want %+v", got, want)
	}
	if got := testing.AllocsPerRun(100, func() {
		none.Idle(true)
		none.Progress(res)
		none.Idle(false)
		none.End(res, nil)
	}); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}
