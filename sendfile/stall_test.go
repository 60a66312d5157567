package sendfile_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// testTimeout is longer than any wait in a passing test, even on a busy machine.
const testTimeout = 30 * time.Second

// fullPair returns a connection with buffers so small that a transfer soon waits
// for the client to read.
func fullPair(t *testing.T) (server, client *net.TCPConn) {
	t.Helper()
	server, client = nettest.Pair(t)
	nettest.SmallBuffers(t, server, 8<<10)
	nettest.SmallBuffers(t, client, 8<<10)
	return server, client
}

// opaque hides the descriptor of a connection.
type opaque struct{ net.Conn }

// sendMethods are the cases in which Send waits for its peer differently.
var sendMethods = []struct {
	name   string
	method sendfile.Method
	wrap   func(net.Conn) net.Conn
}{
	{"auto", sendfile.Auto, func(c net.Conn) net.Conn { return c }},
	{"copy", sendfile.Copy, func(c net.Conn) net.Conn { return c }},
	{"transmitfile", sendfile.TransmitFile, func(c net.Conn) net.Conn { return c }},
	{"opaque", sendfile.Auto, func(c net.Conn) net.Conn { return opaque{c} }},
}

func TestSendToAStalledPeerEndsAfterTheTimeout(t *testing.T) {
	for _, tt := range sendMethods {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := fullPair(t)
			f := nettest.PatternFile(t, 4<<20)
			const timeout = 50 * time.Millisecond
			begin := time.Now()
			res, err := sendfile.Send(t.Context(), tt.wrap(server), f, 0, -1, &sendfile.Options{Timeout: timeout, Method: tt.method})
			var e *sendfile.Error
			if !errors.As(err, &e) || !e.Timeout() || e.Side != sendfile.Peer {
				t.Fatalf("Send = %+v, %v, want a timeout of the peer", res, err)
			}
			if took := time.Since(begin); took < timeout {
				t.Errorf("gave up after %v, want %v or more", took, timeout)
			}
			if e.Offset != res.Sent {
				t.Errorf("the error is at offset %d, want %d", e.Offset, res.Sent)
			}
			// The bytes reported as sent arrive, and the connection still works.
			got := nettest.Sum(t, client)
			if _, err := server.Write([]byte("after")); err != nil {
				t.Fatalf("the connection is unusable after the timeout: %v", err)
			}
			if g := received(t, server, got); g.N != res.Sent+5 {
				t.Errorf("the peer got %d bytes, want the %d sent and 5 more", g.N, res.Sent)
			}
		})
	}
}

// wantStall checks that call ends when its peer has done nothing for a timeout: at most a
// tenth later, and what a busy machine needs.
func wantStall(t *testing.T, timeout time.Duration, call func() (sendfile.Result, error)) {
	t.Helper()
	const slack = 800 * time.Millisecond // for a busy machine, and less than another timeout of a second; TestAStallLastsForTheTimeout is exact
	begin := time.Now()
	res, err := call()
	took := time.Since(begin)
	var e *sendfile.Error
	if !errors.As(err, &e) || !e.Timeout() || e.Side != sendfile.Peer {
		t.Fatalf("got %+v, %v, want a timeout of the peer", res, err)
	}
	if took < timeout || took > timeout*11/10+slack {
		t.Errorf("gave up after %v, want %v", took, timeout)
	}
}

// The buffers of the system are left alone: a queue of megabytes that the peer takes at
// the beginning must not extend the wait.
func TestAStalledPeerIsCutOnTime(t *testing.T) {
	const timeout, size = time.Second, 32 << 20
	f := nettest.PatternFile(t, size)
	for _, tt := range sendMethods {
		t.Run("Send/"+tt.name, func(t *testing.T) {
			if tt.method == sendfile.TransmitFile {
				t.Skip("see TestTransmitFileWaitsForAPeerThatTakesSomething")
			}
			t.Parallel()
			server, _ := nettest.Pair(t)
			wantStall(t, timeout, func() (sendfile.Result, error) {
				return sendfile.Send(t.Context(), tt.wrap(server), f, 0, -1, &sendfile.Options{Timeout: timeout, Method: tt.method})
			})
		})
	}
	t.Run("Send/TLS", func(t *testing.T) {
		t.Parallel()
		server, _ := shakenPair(t)
		wantStall(t, timeout, func() (sendfile.Result, error) {
			return sendfile.Send(t.Context(), server, f, 0, -1, &sendfile.Options{Timeout: timeout})
		})
	})
	t.Run("Write", func(t *testing.T) {
		t.Parallel()
		server, _ := nettest.Pair(t)
		content := make([]byte, size)
		wantStall(t, timeout, func() (sendfile.Result, error) {
			return sendfile.Write(t.Context(), server, content, &sendfile.Options{Timeout: timeout})
		})
	})
	for _, method := range uploadMethods {
		t.Run("Receive/"+method.name, func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			if _, err := client.Write(make([]byte, 100_000)); err != nil {
				t.Fatal(err)
			}
			to := target(t, 0)
			wantStall(t, timeout, func() (sendfile.Result, error) {
				return sendfile.Receive(t.Context(), to, method.wrap(server), 0, -1, &sendfile.Options{Timeout: timeout, Method: method.option})
			})
		})
	}
}

// shakenPair returns a TLS connection from end to end after its handshake.
func shakenPair(t *testing.T) (server, client *tls.Conn) {
	t.Helper()
	s, c := tlsPair(t)
	server, client = s.(*tls.Conn), c.(*tls.Conn)
	done := make(chan error, 1)
	go func() { done <- client.Handshake() }()
	if err := errors.Join(server.Handshake(), <-done); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// A write of TLS cannot be tried again after a timeout, so the wait for a peer that
// drains megabytes slowly must be extended while it lasts.
func TestATLSPeerThatTakesLittleIsNotCut(t *testing.T) {
	const timeout, size = time.Second, 32 << 20
	server, client := shakenPair(t)
	// With a larger one, TCP announces room only now and then to a peer with a full buffer.
	nettest.SmallBuffers(t, client.NetConn().(*net.TCPConn), 64<<10)
	f := nettest.PatternFile(t, size)
	stop := make(chan struct{})
	read := make(chan time.Duration, 1)
	go func() {
		begin := time.Now()
		defer func() { read <- time.Since(begin) }()
		slow := nettest.Trickle(client, 16<<10, timeout/50)
		p := make([]byte, 16<<10)
		for time.Since(begin) < 4*timeout {
			if _, err := slow.Read(p); err != nil {
				return
			}
		}
		<-stop
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 4*timeout)
	defer cancel()
	res, err := sendfile.Send(ctx, server, f, 0, -1, &sendfile.Options{Timeout: timeout})
	if !errors.Is(err, context.DeadlineExceeded) || res.Sent == 0 {
		t.Errorf("Send = %+v, %v, want a part, and no end before that of the context", res, err)
	}
	_ = server.NetConn().Close()
	close(stop)
	<-read
}

func TestSendToASlowButMovingPeerTakesItsTime(t *testing.T) {
	for _, tt := range sendMethods {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// Larger buffers than those of fullPair: with windows of a few KiB TCP
			// itself pauses for longer than the timeout.
			server, client := nettest.Pair(t)
			nettest.SmallBuffers(t, server, 64<<10)
			nettest.SmallBuffers(t, client, 64<<10)
			// At 16 KiB in at least 10 ms this takes about a second, less what the
			// buffers hold at the end.
			const size = 1_700_000
			f := nettest.PatternFile(t, size)
			got := nettest.Sum(t, nettest.Trickle(client, 16<<10, 10*time.Millisecond))
			const timeout = 400 * time.Millisecond
			begin := time.Now()
			res, err := sendfile.Send(t.Context(), tt.wrap(server), f, 0, -1, &sendfile.Options{Timeout: timeout, Method: tt.method, Chunk: 128 << 10})
			if err != nil {
				t.Fatalf("Send = %+v, %v after %v", res, err, time.Since(begin))
			}
			if took := time.Since(begin); took < timeout {
				t.Errorf("took only %v: that shows nothing about a timeout of %v", took, timeout)
			}
			if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, size) {
				t.Errorf("the peer got %d bytes of other content", g.N)
			}
		})
	}
}

func TestSendKeepsTheCallersDeadlineWithoutATimeout(t *testing.T) {
	skipCancelledWrite(t, sendfile.Auto)
	server, _ := fullPair(t)
	f := nettest.PatternFile(t, 4<<20)
	if err := server.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := sendfile.Send(context.Background(), server, f, 0, -1, nil)
	if !errors.Is(err, os.ErrDeadlineExceeded) || sideOf(t, err) != sendfile.Peer {
		t.Errorf("error %v, want the caller's deadline", err)
	}
}

// skipCancelledWrite skips a test that interrupts package net in a write.
func skipCancelledWrite(t *testing.T, method sendfile.Method) {
	t.Helper()
	if nettest.OnWine() && method != sendfile.TransmitFile {
		t.Skip("wine 8 misses a CancelIoEx that comes while a send moves on, and package net waits for its effect for ever")
	}
}

func TestCancelEndsASend(t *testing.T) {
	reason := errors.New("the operator pressed a key")
	for _, tt := range sendMethods {
		for _, timeout := range []time.Duration{0, testTimeout} {
			t.Run(tt.name+"/timeout="+timeout.String(), func(t *testing.T) {
				t.Parallel()
				skipCancelledWrite(t, tt.method)
				server, client := fullPair(t)
				f := nettest.PatternFile(t, 4<<20)
				ctx, cancel := context.WithCancelCause(t.Context())
				// When the first byte has arrived, Send waits or is about to wait.
				go func() {
					p := make([]byte, 1)
					_, _ = client.Read(p)
					cancel(reason)
				}()
				res, err := sendfile.Send(ctx, tt.wrap(server), f, 0, -1, &sendfile.Options{Timeout: timeout, Method: tt.method})
				if !errors.Is(err, reason) || sideOf(t, err) != sendfile.Caller {
					t.Fatalf("Send = %+v, %v, want %v from the caller", res, err, reason)
				}
				if res.Sent == 0 || res.Sent == 4<<20 {
					t.Errorf("Sent = %d, want a part", res.Sent)
				}
			})
		}
	}
	t.Run("before it has begun", func(t *testing.T) {
		server, _ := nettest.Pair(t)
		f := nettest.PatternFile(t, 100)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		res, err := sendfile.Send(ctx, server, f, 0, -1, nil)
		if !errors.Is(err, reason) || res.Sent != 0 {
			t.Errorf("Send = %+v, %v, want %v and nothing sent", res, err, reason)
		}
		if _, err := server.Write([]byte("x")); err != nil {
			t.Errorf("the connection is unusable after the cancellation: %v", err)
		}
	})
	t.Run("while it waits for a pipe", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("package os gives pipes no deadlines on Windows")
		}
		server, _ := nettest.Pair(t)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancelling := sendfile.Options{Wait: func(_ context.Context, n int) (int, error) {
			cancel(reason)
			return n, nil
		}}
		if _, err := sendfile.Send(ctx, server, r, 0, -1, &cancelling); !errors.Is(err, reason) || sideOf(t, err) != sendfile.Caller {
			t.Errorf("error %v, want %v from the caller", err, reason)
		}
	})
}

func TestSendToAPeerThatResets(t *testing.T) {
	for _, tt := range sendMethods {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := fullPair(t)
			f := nettest.PatternFile(t, 4<<20)
			go func() {
				p := make([]byte, 1)
				_, _ = client.Read(p)
				nettest.Reset(t, client)
			}()
			res, err := sendfile.Send(t.Context(), tt.wrap(server), f, 0, -1, &sendfile.Options{Timeout: testTimeout, Method: tt.method})
			if err == nil || sideOf(t, err) != sendfile.Peer {
				t.Errorf("Send = %+v, %v, want an error of the peer", res, err)
			}
			var e *sendfile.Error
			if errors.As(err, &e) && e.Timeout() {
				t.Errorf("error %v, want no timeout", err)
			}
		})
	}
}

func TestSendOnAConnectionWeClose(t *testing.T) {
	for _, tt := range sendMethods {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			skipCancelledWrite(t, tt.method)
			server, client := fullPair(t)
			f := nettest.PatternFile(t, 4<<20)
			go func() {
				p := make([]byte, 1)
				_, _ = client.Read(p)
				_ = server.Close()
			}()
			res, err := sendfile.Send(t.Context(), tt.wrap(server), f, 0, -1, &sendfile.Options{Method: tt.method})
			if !errors.Is(err, net.ErrClosed) || sideOf(t, err) != sendfile.Caller {
				t.Errorf("Send = %+v, %v, want %v from the caller", res, err, net.ErrClosed)
			}
		})
	}
}

// A server that recovers from a panic in a hook may end the context afterwards.
// That must not affect the transfer that uses the pooled value by then.
func TestAPanicInAHookLeavesNothingBehind(t *testing.T) {
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	f := nettest.PatternFile(t, 100)
	ctx, cancel := context.WithCancel(t.Context())
	func() {
		defer func() { _ = recover() }()
		_, _ = sendfile.Send(ctx, server, f, 0, 50, &sendfile.Options{Progress: func(sendfile.Result) { panic("a hook") }})
		t.Error("no panic")
	}()
	cancel()
	if res, err := sendfile.Send(t.Context(), server, f, 50, 50, &sendfile.Options{Timeout: testTimeout}); err != nil || res.Sent != 50 {
		t.Errorf("the next Send = %+v, %v, want 50 bytes", res, err)
	}
	if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, 100) {
		t.Errorf("the peer got %d bytes of other content", g.N)
	}
}
