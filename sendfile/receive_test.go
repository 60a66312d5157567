package sendfile_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// uploadMethods are the methods of Receive, and the method that each results in
// on this system.
var uploadMethods = []struct {
	name   string
	option sendfile.Method
	want   sendfile.Method
	wrap   func(net.Conn) net.Conn
}{
	{"splice", sendfile.Splice, spliceMethod(), func(c net.Conn) net.Conn { return c }},
	{"copy", sendfile.Copy, sendfile.Copy, func(c net.Conn) net.Conn { return c }},
	{"opaque", sendfile.Auto, sendfile.Copy, func(c net.Conn) net.Conn { return opaque{c} }},
}

func spliceMethod() sendfile.Method {
	if runtime.GOOS == "linux" {
		return sendfile.Splice
	}
	return sendfile.Copy
}

// target returns a file that holds size bytes of 0xff.
func target(t *testing.T, size int) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(nettest.TempDir(t), "target"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.WriteString(strings.Repeat("\xff", size)); err != nil {
		t.Fatal(err)
	}
	return f
}

// feed sends n bytes of the pattern in a goroutine, and then calls end if it is
// not nil.
func feed(client *net.TCPConn, n int64, end func()) {
	go func() {
		_, _ = io.CopyN(client, nettest.Pattern(n), n)
		if end != nil {
			end()
		}
	}()
}

// sumAt returns the SHA-256 of n bytes of f at off.
func sumAt(t *testing.T, f *os.File, off, n int64) (sum [32]byte) {
	t.Helper()
	h := sha256.New()
	if got, err := io.Copy(h, io.NewSectionReader(f, off, n)); err != nil || got != n {
		t.Fatalf("%d bytes at %d, %v, want %d", got, off, err, n)
	}
	copy(sum[:], h.Sum(nil))
	return sum
}

func TestReceive(t *testing.T) {
	const sent = 1<<20 + 123
	for _, tt := range []struct {
		name    string
		before  int // size of the file at the start
		off, n  int64
		send    int64
		chunk   int
		want    int64
		wantErr error
	}{
		{name: "until the peer ends when the count is negative", n: -1, send: sent, want: sent},
		{name: "a count", n: sent, send: sent, want: sent},
		{name: "a count of zero receives nothing", n: 0, send: 0, want: 0},
		{name: "nothing from a peer that sends nothing", n: -1, send: 0, want: 0},
		{name: "at an offset inside the file", before: 5000, off: 1000, n: 2000, send: 2000, want: 2000},
		{name: "at the end of the file", before: 5000, off: 5000, n: -1, send: sent, want: sent},
		{name: "beyond the end of the file", before: 10, off: 8192, n: -1, send: sent, want: sent},
		{name: "a peer that ends early is an error", n: 1000, send: 999, want: 999, wantErr: io.ErrUnexpectedEOF},
		{name: "chunks of a page", n: -1, send: 100_000, chunk: 4096, want: 100_000},
		{name: "chunks of one byte", n: 50, send: 50, chunk: 1, want: 50},
	} {
		for _, method := range uploadMethods {
			t.Run(method.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				server, client := nettest.Pair(t)
				f := target(t, tt.before)
				position, err := f.Seek(3, io.SeekStart)
				if err != nil {
					t.Fatal(err)
				}
				feed(client, tt.send, func() { _ = client.CloseWrite() })
				res, err := sendfile.Receive(t.Context(), f, method.wrap(server), tt.off, tt.n, &sendfile.Options{Method: method.option, Chunk: tt.chunk})
				if !errors.Is(err, tt.wantErr) {
					t.Errorf("error %v, want %v", err, tt.wantErr)
				}
				if err != nil && sideOf(t, err) != sendfile.Peer {
					t.Errorf("side %v, want peer", sideOf(t, err))
				}
				if res.Sent != tt.want || res.Method != method.want {
					t.Errorf("%d bytes by %v, want %d by %v", res.Sent, res.Method, tt.want, method.want)
				}
				if want := zeroCopied(res); res.ZeroCopied != want {
					t.Errorf("%d bytes zero-copied, want %d", res.ZeroCopied, want)
				}
				if sumAt(t, f, tt.off, tt.want) != nettest.PatternSum(0, tt.want) {
					t.Error("the file has other content there")
				}
				if kept := min(int64(tt.before), tt.off); sumAt(t, f, 0, kept) != sha256.Sum256([]byte(strings.Repeat("\xff", int(kept)))) {
					t.Error("the bytes before the offset have changed")
				}
				info, err := f.Stat()
				if err != nil {
					t.Fatal(err)
				}
				wantSize := int64(tt.before)
				if tt.want > 0 {
					wantSize = max(wantSize, tt.off+tt.want)
				}
				if info.Size() != wantSize {
					t.Errorf("the file has %d bytes, want %d", info.Size(), wantSize)
				}
				if now, err := f.Seek(0, io.SeekCurrent); err != nil || now != position {
					t.Errorf("the file's position is %d (%v), want %d as before", now, err, position)
				}
			})
		}
	}
}

func zeroCopied(res sendfile.Result) int64 {
	if res.Method == sendfile.Splice {
		return res.Sent
	}
	return 0
}

func TestReceiveChoosesTheCheaperMethod(t *testing.T) {
	for _, tt := range []struct {
		name string
		n    int64
		want sendfile.Method
	}{
		{"a small upload is copied", 100_000, sendfile.Copy},
		{"a large one is spliced", 4 << 20, spliceMethod()},
		{"one of unknown length is spliced", -1, spliceMethod()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := nettest.Pair(t)
			f := target(t, 0)
			feed(client, max(tt.n, 100_000), func() { _ = client.CloseWrite() })
			if res, err := sendfile.Receive(t.Context(), f, server, 0, tt.n, nil); err != nil || res.Method != tt.want {
				t.Errorf("Receive = %+v, %v, want method %v", res, err, tt.want)
			}
		})
	}
}

func TestReceiveOverTLS(t *testing.T) {
	const size = 300_000
	server, client := tlsPair(t)
	f := target(t, 0)
	go func() {
		_, _ = io.CopyN(client, nettest.Pattern(size), size)
		_ = client.Close()
	}()
	res, err := sendfile.Receive(t.Context(), f, server, 0, -1, &sendfile.Options{Timeout: testTimeout})
	if err != nil || res.Sent != size || res.Method != sendfile.Copy {
		t.Errorf("Receive = %+v, %v, want %d bytes copied", res, err, size)
	}
	if sumAt(t, f, 0, size) != nettest.PatternSum(0, size) {
		t.Error("the file has other content")
	}
}

func TestReceiveBeyondFourGiB(t *testing.T) {
	const off, n = 4<<30 + 4095, 1 << 20
	for _, method := range uploadMethods {
		t.Run(method.name, func(t *testing.T) {
			server, client := nettest.Pair(t)
			f := target(t, 0)
			feed(client, n, nil)
			if res, err := sendfile.Receive(t.Context(), f, method.wrap(server), off, n, &sendfile.Options{Method: method.option}); err != nil || res.Sent != n {
				t.Errorf("Receive = %+v, %v, want %d bytes", res, err, n)
			}
			if sumAt(t, f, off, n) != nettest.PatternSum(0, n) {
				t.Errorf("the file has other content at %d", int64(off))
			}
		})
	}
}

// notWritable is a part of the error of a write to a file that is open for reading.
var notWritable = map[bool]string{false: "bad file descriptor", true: "denied"}[runtime.GOOS == "windows"]

func TestReceiveRefuses(t *testing.T) {
	server, client := nettest.Pair(t)
	f := target(t, 0)
	appending, err := os.OpenFile(f.Name(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer appending.Close()
	readOnly, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	if _, err := client.Write([]byte("data")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		dst  *os.File
		off  int64
		opt  sendfile.Options
		side sendfile.Side
		want string
	}{
		{"a file that appends", appending, 0, sendfile.Options{}, sendfile.Caller, "O_APPEND"},
		{"a negative offset", f, -1, sendfile.Options{}, sendfile.Caller, "negative offset -1"},
		{"a method of Send", f, 0, sendfile.Options{Method: sendfile.Sendfile}, sendfile.Caller, "Send only"},
		{"no file", nil, 0, sendfile.Options{}, sendfile.Caller, "nil file"},
		{"a file open for reading", readOnly, 0, sendfile.Options{Method: sendfile.Copy}, sendfile.File, notWritable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := sendfile.Receive(t.Context(), tt.dst, server, tt.off, 4, &tt.opt)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one about %q", err, tt.want)
			}
			if got := sideOf(t, err); got != tt.side || res.Sent != 0 {
				t.Errorf("side %v after %d bytes, want %v after none", got, res.Sent, tt.side)
			}
		})
	}
}

func TestReceiveFromAStalledPeerEndsAfterTheTimeout(t *testing.T) {
	for _, method := range uploadMethods {
		t.Run(method.name, func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			f := target(t, 0)
			feed(client, 100_000, nil) // and then nothing
			res, err := sendfile.Receive(t.Context(), f, method.wrap(server), 0, 200_000, &sendfile.Options{Timeout: 50 * time.Millisecond, Method: method.option})
			var e *sendfile.Error
			if !errors.As(err, &e) || !e.Timeout() || e.Side != sendfile.Peer {
				t.Fatalf("Receive = %+v, %v, want a timeout of the peer", res, err)
			}
			if res.Sent != 100_000 || e.Offset != 100_000 {
				t.Errorf("%d bytes, error at %d, want the 100000 bytes before the stall", res.Sent, e.Offset)
			}
			if sumAt(t, f, 0, res.Sent) != nettest.PatternSum(0, res.Sent) {
				t.Error("the file has other content")
			}
			if _, err := client.Write([]byte("more")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(server, make([]byte, 4)); err != nil {
				t.Errorf("the connection is unusable after the timeout: %v", err)
			}
		})
	}
}

func TestReceiveFromASlowButMovingPeerTakesItsTime(t *testing.T) {
	for _, method := range uploadMethods {
		t.Run(method.name, func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			f := target(t, 0)
			const size = 60 << 10
			go func() {
				_, _ = io.Copy(client, nettest.Trickle(nettest.Pattern(size), 1<<10, 10*time.Millisecond))
				_ = client.CloseWrite()
			}()
			const timeout = 300 * time.Millisecond
			begin := time.Now()
			res, err := sendfile.Receive(t.Context(), f, method.wrap(server), 0, -1, &sendfile.Options{Timeout: timeout, Method: method.option})
			if err != nil || res.Sent != size {
				t.Errorf("Receive = %+v, %v, want %d bytes", res, err, size)
			}
			if took := time.Since(begin); took < timeout {
				t.Errorf("took only %v: that shows nothing about a timeout of %v", took, timeout)
			}
		})
	}
}

func TestCancelEndsAReceive(t *testing.T) {
	reason := errors.New("the operator pressed a key")
	for _, method := range uploadMethods {
		t.Run(method.name, func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			f := target(t, 0)
			ctx, cancel := context.WithCancelCause(t.Context())
			feed(client, 1000, func() { cancel(reason) })
			res, err := sendfile.Receive(ctx, f, method.wrap(server), 0, -1, &sendfile.Options{Method: method.option})
			if !errors.Is(err, reason) || sideOf(t, err) != sendfile.Caller {
				t.Errorf("Receive = %+v, %v, want %v from the caller", res, err, reason)
			}
			if sumAt(t, f, 0, res.Sent) != nettest.PatternSum(0, res.Sent) {
				t.Error("the file has other content")
			}
		})
	}
}

func TestReceiveFromAPeerThatResets(t *testing.T) {
	if nettest.OnWine() {
		t.Skip("wine 8 reads the end of the stream from a connection that was reset")
	}
	for _, method := range uploadMethods {
		t.Run(method.name, func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			f := target(t, 0)
			feed(client, 100_000, func() { nettest.Reset(t, client) })
			res, err := sendfile.Receive(t.Context(), f, method.wrap(server), 0, -1, &sendfile.Options{Method: method.option})
			if err == nil || sideOf(t, err) != sendfile.Peer {
				t.Errorf("Receive = %+v, %v, want an error of the peer: a reset is no end", res, err)
			}
			if sumAt(t, f, 0, res.Sent) != nettest.PatternSum(0, res.Sent) {
				t.Error("the file has other content")
			}
		})
	}
}

// A full disk is an error of the file.
func TestReceiveOntoAFullDisk(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no /dev/full; wine shows that of Linux")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	defer full.Close()
	for _, method := range uploadMethods {
		t.Run(method.name, func(t *testing.T) {
			server, client := nettest.Pair(t)
			feed(client, 1000, nil)
			res, err := sendfile.Receive(t.Context(), full, method.wrap(server), 0, 1000, &sendfile.Options{Method: method.option})
			if err == nil || sideOf(t, err) != sendfile.File || !strings.Contains(err.Error(), "no space left") || res.Sent != 0 {
				t.Errorf("Receive = %+v, %v, want no space left in the file", res, err)
			}
		})
	}
}
