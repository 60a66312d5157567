package sendfile_test

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

func TestWriteSendsAllOfIt(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 10, 5 << 20} {
		for name, opt := range map[string]*sendfile.Options{"nil": nil, "timeout and chunk": {Timeout: time.Minute, Chunk: 100_000}} {
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			p := make([]byte, size)
			nettest.PatternAt(p, 0)
			res, err := sendfile.Write(t.Context(), server, p, opt)
			if want := (sendfile.Result{Sent: int64(size), Method: sendfile.Copy}); err != nil || res != want {
				t.Errorf("%d bytes, %s: got %+v, %v, want %+v", size, name, res, err, want)
			}
			_ = server.Close()
			if g := <-got; g.SHA256 != nettest.PatternSum(0, int64(size)) {
				t.Errorf("%d bytes, %s: the peer got %d of other content", size, name, g.N)
			}
		}
	}
}

func TestWriteReportsAStall(t *testing.T) {
	server, client := nettest.Pair(t)
	nettest.SmallBuffers(t, server, 1<<14)
	nettest.SmallBuffers(t, client, 1<<14)
	res, err := sendfile.Write(t.Context(), server, make([]byte, 8<<20), &sendfile.Options{Timeout: 30 * time.Millisecond})
	var e *sendfile.Error
	if !errors.As(err, &e) || !e.Timeout() || e.Side != sendfile.Peer || e.Offset != res.Sent {
		t.Errorf("got %+v, %v, want a timeout of the peer where the sending stopped", res, err)
	}
}

func TestWriteEndsWithItsContext(t *testing.T) {
	server, _ := nettest.Pair(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
	if _, err := sendfile.Write(ctx, server, make([]byte, 64<<20), nil); !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}

func TestWriteWithFaults(t *testing.T) {
	if fastMethod != sendfile.Sendfile {
		t.Skip("no calls on descriptors here")
	}
	for _, tt := range []struct {
		name string
		err  error
		want error // nil: Write succeeds
	}{
		{"a signal", syscall.EINTR, nil},
		{"a reset by the peer", syscall.ECONNRESET, syscall.ECONNRESET},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			p := make([]byte, 1000)
			res, err := sendfile.WriteWithFaults(t.Context(), server, p, &sendfile.Options{Chunk: 100}, &sendfile.Faults{Nth: 4, Err: tt.err, Only: "write"})
			if !errors.Is(err, tt.want) || tt.want != nil && res.Sent != 300 {
				t.Errorf("got %+v, %v, want %v after 300", res, err, tt.want)
			}
			_ = server.Close()
			if g := <-got; g.N != res.Sent {
				t.Errorf("the peer got %d bytes, but %d were reported", g.N, res.Sent)
			}
		})
	}
}

func TestWriteWithMoreUsesMsgMore(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no MSG_MORE here")
	}
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	p := make([]byte, 1000)
	nettest.PatternAt(p, 0)
	for i, more := range []bool{true, false} {
		f := &sendfile.Faults{Nth: 1, Err: syscall.EINTR, Only: map[bool]string{true: "writeMore", false: "write"}[more]}
		res, err := sendfile.WriteWithFaults(t.Context(), server, p[500*i:][:500], &sendfile.Options{More: more}, f)
		if err != nil || res.Sent != 500 || f.Calls.Load() != 2 {
			t.Errorf("more %t: got %+v, %v after %d calls of %s, want 500 after 2", more, res, err, f.Calls.Load(), f.Only)
		}
	}
	_ = server.Close()
	if g := <-got; g.SHA256 != nettest.PatternSum(0, 1000) {
		t.Errorf("the peer got %d bytes of other content", g.N)
	}
}

// A past deadline of the caller does not end a transfer that has a timeout of its
// own.
func TestATimeoutOverrulesADeadlineThatHasPassed(t *testing.T) {
	server, client := nettest.Pair(t)
	go func() { _, _ = io.Copy(io.Discard, client) }()
	if err := server.SetWriteDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := sendfile.Write(t.Context(), server, []byte("x"), nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("without a timeout: got %v, want %v", err, os.ErrDeadlineExceeded)
	}
	f := nettest.PatternFile(t, 1000)
	if _, err := sendfile.Send(t.Context(), server, f, 0, -1, &sendfile.Options{Timeout: time.Minute}); err != nil {
		t.Errorf("Send with a timeout: got %v", err)
	}
	if _, err := server.Write([]byte("x")); err != nil {
		t.Errorf("afterwards: got %v, want no deadline", err)
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	if fastMethod != sendfile.Sendfile {
		t.Skip("only calls on descriptors allocate nothing")
	}
	server, client := nettest.Pair(t)
	done := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, client); close(done) }()
	p := make([]byte, 1000)
	for _, more := range []bool{false, true} {
		opt := &sendfile.Options{Timeout: time.Minute, More: more}
		if got := testing.AllocsPerRun(100, func() {
			if _, err := sendfile.Write(context.Background(), server, p, opt); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("more %t: %v allocations, want none", more, got)
		}
	}
	_ = server.Close()
	<-done
}
