package sendfile_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// fastMethod is the method that Auto chooses on this system for a regular file
// and a TCP connection.
var fastMethod = map[string]sendfile.Method{"linux": sendfile.Sendfile}[runtime.GOOS]

// transmitMethod is the method that a forced TransmitFile results in on this
// system. On Linux the tests imitate the call.
var transmitMethod = map[string]sendfile.Method{"linux": sendfile.TransmitFile, "windows": sendfile.TransmitFile}[runtime.GOOS]

func init() {
	for _, method := range []*sendfile.Method{&fastMethod, &transmitMethod} {
		if *method == sendfile.Auto {
			*method = sendfile.Copy
		}
	}
}

// received closes dst and returns what its peer has received.
func received(t *testing.T, dst net.Conn, got <-chan nettest.Got) nettest.Got {
	t.Helper()
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
	g := <-got
	if g.Err != nil {
		t.Fatalf("the peer got %d bytes, then %v", g.N, g.Err)
	}
	return g
}

// sideOf returns the side of a transfer's error.
func sideOf(t *testing.T, err error) sendfile.Side {
	t.Helper()
	var e *sendfile.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want a *sendfile.Error", err, err)
	}
	return e.Side
}

func TestSend(t *testing.T) {
	const size = 1<<20 + 123
	for _, tt := range []struct {
		name    string
		size    int64
		off, n  int64
		opt     *sendfile.Options
		want    int64 // bytes that arrive
		wantErr error
	}{
		{name: "the whole file by count", size: size, n: size, want: size},
		{name: "to the end when the count is negative", size: size, n: -1, want: size},
		{name: "from an offset to the end", size: size, off: 4097, n: -1, want: size - 4097},
		{name: "a range inside", size: size, off: 1000, n: 5000, want: 5000},
		{name: "one byte", size: size, off: size - 1, n: 1, want: 1},
		{name: "a count of zero sends nothing", size: size, off: 10, n: 0, want: 0},
		{name: "an empty file", size: 0, n: -1, want: 0},
		{name: "an offset at the end sends nothing", size: size, off: size, n: -1, want: 0},
		{name: "an offset beyond the end sends nothing", size: size, off: size + 10, n: -1, want: 0},
		{name: "a count beyond the end sends up to the end and fails", size: size, off: size - 100, n: 200, want: 100, wantErr: io.ErrUnexpectedEOF},
		{name: "a count that starts beyond the end fails", size: size, off: size + 1, n: 1, want: 0, wantErr: io.ErrUnexpectedEOF},
		{name: "a count from an empty file fails", size: 0, n: 1, want: 0, wantErr: io.ErrUnexpectedEOF},
		{name: "chunks of one page", size: 100_000, n: -1, opt: &sendfile.Options{Chunk: 4096}, want: 100_000},
		{name: "a chunk larger than the file", size: 100_000, n: -1, opt: &sendfile.Options{Chunk: 1 << 30}, want: 100_000},
		{name: "chunks of one byte", size: 100, n: -1, opt: &sendfile.Options{Chunk: 1}, want: 100},
	} {
		for method, want := range map[sendfile.Method]sendfile.Method{
			sendfile.Auto: fastMethod, sendfile.Copy: sendfile.Copy, sendfile.TransmitFile: transmitMethod,
		} {
			t.Run(method.String()+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				server, client := nettest.Pair(t)
				got := nettest.Sum(t, client)
				f := nettest.PatternFile(t, tt.size)
				position, err := f.Seek(tt.size/2, io.SeekStart)
				if err != nil {
					t.Fatal(err)
				}

				opt := sendfile.Options{}
				if tt.opt != nil {
					opt = *tt.opt
				}
				opt.Method = method
				res, err := sendfile.Send(t.Context(), server, f, tt.off, tt.n, &opt)
				if !errors.Is(err, tt.wantErr) {
					t.Errorf("error %v, want %v", err, tt.wantErr)
				}
				if err != nil && sideOf(t, err) != sendfile.File {
					t.Errorf("side %v, want file", sideOf(t, err))
				}
				if res.Sent != tt.want {
					t.Errorf("Sent = %d, want %d", res.Sent, tt.want)
				}
				wantZeroCopied := tt.want
				if want == sendfile.Copy {
					wantZeroCopied = 0
				}
				if res.Method != want || res.ZeroCopied != wantZeroCopied {
					t.Errorf("method %v with %d bytes zero-copied, want %v with %d", res.Method, res.ZeroCopied, want, wantZeroCopied)
				}
				if g := received(t, server, got); g.N != tt.want || g.SHA256 != nettest.PatternSum(tt.off, tt.want) {
					t.Errorf("the peer got %d bytes, want the %d at %d", g.N, tt.want, tt.off)
				}
				if now, err := f.Seek(0, io.SeekCurrent); err != nil || now != position {
					t.Errorf("the file's position is %d (%v), want %d as before", now, err, position)
				}
			})
		}
	}
}

func TestSendRefuses(t *testing.T) {
	server, client := nettest.Pair(t)
	f := nettest.PatternFile(t, 100)
	dir, err := os.Open(nettest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	closed, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()

	for _, tt := range []struct {
		name string
		dst  net.Conn
		src  *os.File
		off  int64
		n    int64
		opt  sendfile.Options
		side sendfile.Side
		want string
	}{
		{"a negative offset", server, f, -1, 1, sendfile.Options{}, sendfile.Caller, "negative offset -1"},
		{"an offset and count beyond the largest file", server, f, math.MaxInt64 - 1, 2, sendfile.Options{}, sendfile.Caller, "largest file"},
		{"a negative chunk", server, f, 0, 1, sendfile.Options{Chunk: -1}, sendfile.Caller, "Chunk -1"},
		{"a negative timeout", server, f, 0, 1, sendfile.Options{Timeout: -1}, sendfile.Caller, "Timeout -1ns"},
		{"a method that does not exist", server, f, 0, 1, sendfile.Options{Method: 99}, sendfile.Caller, "method(99)"},
		{"a method of Receive", server, f, 0, 1, sendfile.Options{Method: sendfile.Splice}, sendfile.Caller, "Receive only"},
		{"no connection", nil, f, 0, 1, sendfile.Options{}, sendfile.Caller, "nil connection"},
		{"no file", server, nil, 0, 1, sendfile.Options{}, sendfile.Caller, "nil file"},
		{"a closed file", server, closed, 0, 1, sendfile.Options{}, sendfile.Caller, "closed"},
		{"a directory", server, dir, 0, 1, sendfile.Options{}, sendfile.File, "is a directory"},
		{"a directory, to its end", server, dir, 0, -1, sendfile.Options{}, sendfile.File, "is a directory"},
		{"an offset in a pipe", server, r, 1, 1, sendfile.Options{}, sendfile.Caller, "pipe"},
		{"a hook that grants nothing", server, f, 0, 1, sendfile.Options{Wait: waitReturning(0, nil)}, sendfile.Caller, "granted 0 of 1"},
		{"a hook that grants too much", server, f, 0, 1, sendfile.Options{Wait: waitReturning(2, nil)}, sendfile.Caller, "granted 2 of 1"},
		{"a hook that returns an error", server, f, 0, 1, sendfile.Options{Wait: waitReturning(0, errors.New("over quota"))}, sendfile.Caller, "over quota"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := sendfile.Send(t.Context(), tt.dst, tt.src, tt.off, tt.n, &tt.opt)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one about %q", err, tt.want)
			}
			if got := sideOf(t, err); got != tt.side {
				t.Errorf("side %v, want %v", got, tt.side)
			}
			if res.Sent != 0 {
				t.Errorf("Sent = %d, want nothing", res.Sent)
			}
		})
	}
	got := nettest.Sum(t, client)
	if g := received(t, server, got); g.N != 0 {
		t.Errorf("the peer got %d bytes, want none", g.N)
	}
}

func waitReturning(n int, err error) func(context.Context, int) (int, error) {
	return func(context.Context, int) (int, error) { return n, err }
}

// udpConn returns a connection that is not a stream.
func udpConn(t *testing.T) net.Conn {
	t.Helper()
	if nettest.OnWine() {
		t.Skip("wine 8 lacks SIO_UDP_NETRESET, without which package net makes no UDP socket")
	}
	udp, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	return udp
}

func TestSendRefusesDatagrams(t *testing.T) {
	f := nettest.PatternFile(t, 100)
	conns := []net.Conn{udpConn(t)}
	if runtime.GOOS != "windows" {
		name := filepath.Join(nettest.TempDir(t), "gram")
		ln, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		gram, err := net.Dial("unixgram", name)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, gram)
	}
	for _, conn := range conns {
		network := conn.LocalAddr().Network()
		res, err := sendfile.Send(t.Context(), conn, f, 0, 10, nil)
		if err == nil || !strings.Contains(err.Error(), "not a stream") || res.Sent != 0 {
			t.Errorf("%s: Send = %+v, %v, want a refusal", network, res, err)
		}
		_ = conn.Close()
	}
}

// embeddedConn and embeddedTCP are the two kinds of wrappers that the package
// documentation warns of: the first disables the fast methods, Send bypasses the
// Write of the second.
type (
	embeddedConn struct{ net.Conn }
	embeddedTCP  struct{ *net.TCPConn }
)

func (embeddedTCP) Write([]byte) (int, error) { panic("Send must bypass this Write") }

func TestSendChoosesTheMethodByTheConnection(t *testing.T) {
	const size = 300_000
	forced, fastMethod := sendfile.Auto, fastMethod
	if runtime.GOOS == "windows" { // where Auto depends on the edition
		forced, fastMethod = sendfile.TransmitFile, transmitMethod
	}
	for _, tt := range []struct {
		name string
		pair func(t *testing.T) (server, client net.Conn)
		want sendfile.Method
	}{
		{"TCP", tcpPair, fastMethod},
		{"a Unix stream socket", unixPair, fastMethod},
		{"TLS", tlsPair, sendfile.Copy},
		{"net.Pipe", func(*testing.T) (net.Conn, net.Conn) { return net.Pipe() }, sendfile.Copy},
		{"an embedded net.Conn", func(t *testing.T) (net.Conn, net.Conn) {
			server, client := nettest.Pair(t)
			return embeddedConn{server}, client
		}, sendfile.Copy},
		{"an embedded *net.TCPConn, past its Write", func(t *testing.T) (net.Conn, net.Conn) {
			server, client := nettest.Pair(t)
			return embeddedTCP{server}, client
		}, fastMethod},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Contains(tt.name, "Unix") && runtime.GOOS == "windows" {
				t.Skip("package net on Windows gives Unix sockets no name to dial in a test directory")
			}
			f := nettest.PatternFile(t, size)
			server, client := tt.pair(t)
			got := nettest.Sum(t, client)
			opt := &sendfile.Options{Timeout: testTimeout, Method: forced} // exercises the short writes of opaque connections
			res, err := sendfile.Send(t.Context(), server, f, 5, -1, opt)
			if err != nil {
				t.Fatal(err)
			}
			if res.Method != tt.want || res.Sent != size-5 {
				t.Errorf("%d bytes by %v, want %d by %v", res.Sent, res.Method, size-5, tt.want)
			}
			if g := received(t, server, got); g.SHA256 != nettest.PatternSum(5, size-5) {
				t.Errorf("the peer got %d bytes, not those at 5", g.N)
			}
		})
	}
}

func tcpPair(t *testing.T) (server, client net.Conn) { return nettest.Pair(t) }

func unixPair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	ln, err := net.Listen("unix", filepath.Join(nettest.TempDir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("unix", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return server, client
}

func tlsPair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	certs := httptest.NewTLSServer(nil)
	certs.Close()
	s, c := nettest.Pair(t)
	return tls.Server(s, certs.TLS), tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // a test of bytes, not of trust
}

// The kernel refuses sendfile(2) from these, so Send reads them.
func TestSendCopiesFromIrregularFiles(t *testing.T) {
	t.Run("a pipe, to its end", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		const size = 200_000
		go func() {
			_, _ = io.CopyN(w, nettest.Pattern(size), size)
			_ = w.Close()
		}()
		server, client := nettest.Pair(t)
		got := nettest.Sum(t, client)
		res, err := sendfile.Send(t.Context(), server, r, 0, -1, nil)
		if err != nil || res.Method != sendfile.Copy || res.Sent != size {
			t.Errorf("Send = %+v, %v, want %d bytes copied", res, err, size)
		}
		if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, size) {
			t.Errorf("the peer got %d bytes of other content", g.N)
		}
	})
	t.Run("a pipe that ends early", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, _ = w.WriteString("short")
		_ = w.Close()
		server, client := nettest.Pair(t)
		got := nettest.Sum(t, client)
		res, err := sendfile.Send(t.Context(), server, r, 0, 10, nil)
		if !errors.Is(err, io.ErrUnexpectedEOF) || sideOf(t, err) != sendfile.File || res.Sent != 5 {
			t.Errorf("Send = %+v, %v, want 5 bytes and an unexpected EOF of the file", res, err)
		}
		if g := received(t, server, got); g.SHA256 != sha256.Sum256([]byte("short")) {
			t.Errorf("the peer got %d bytes of other content", g.N)
		}
	})
	for name, file := range map[string]string{
		"a file of /proc, whose size is 0":                   "/proc/version",
		"a file of /sys, whose size is larger than it holds": "/sys/class/net/lo/address",
	} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Skip("none here:", err)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, off := range []int64{0, 3} {
				server, client := nettest.Pair(t)
				got := nettest.Sum(t, client)
				res, err := sendfile.Send(t.Context(), server, f, off, -1, nil)
				if err != nil || res.Sent != int64(len(want))-off {
					t.Errorf("Send from %d = %+v, %v, want %d bytes", off, res, err, int64(len(want))-off)
				}
				if g := received(t, server, got); g.SHA256 != sha256.Sum256(want[off:]) {
					t.Errorf("the peer got %d bytes of other content", g.N)
				}
			}
		})
	}
}

// sparse returns a file of 5 GiB that is a hole except for size bytes of the
// pattern at off.
func sparse(t *testing.T, off, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(nettest.TempDir(t), "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	p := make([]byte, size)
	nettest.PatternAt(p, off)
	if _, err := f.WriteAt(p, off); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(5 << 30); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSendBeyondFourGiB(t *testing.T) {
	const off, n = 4<<30 + 4095, 1 << 20
	f := sparse(t, off, n)
	for method, want := range map[sendfile.Method]sendfile.Method{sendfile.Auto: fastMethod, sendfile.TransmitFile: transmitMethod} {
		server, client := nettest.Pair(t)
		got := nettest.Sum(t, client)
		res, err := sendfile.Send(t.Context(), server, f, off, n, &sendfile.Options{Method: method})
		if err != nil || res.Sent != n || res.Method != want {
			t.Errorf("Send = %+v, %v, want %d bytes by %v", res, err, n, want)
		}
		if g := received(t, server, got); g.SHA256 != nettest.PatternSum(off, n) {
			t.Errorf("%v: the peer got %d bytes, not those at %d", method, g.N, int64(off))
		}
	}
}

func TestSendWholeFileOfFiveGiB(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("moves 5 GiB, in the kernel, where the race detector sees nothing")
	}
	const off, n = 4<<30 + 4095, 1 << 20
	f := sparse(t, off, n)
	server, client := nettest.Pair(t)
	tail := make(chan [32]byte, 1)
	go func() {
		defer close(tail)
		p := make([]byte, n)
		discard := struct{ io.Writer }{io.Discard} // without the method ReadFrom, which reads 8 KiB at a time
		if _, err := io.CopyBuffer(discard, io.LimitReader(client, off), p); err != nil {
			return
		}
		if _, err := io.ReadFull(client, p); err != nil {
			return
		}
		tail <- sha256.Sum256(p)
		_, _ = io.Copy(io.Discard, client)
	}()
	res, err := sendfile.Send(t.Context(), server, f, 0, -1, nil)
	if err != nil || res.Sent != 5<<30 || res.Method != fastMethod {
		t.Errorf("Send = %+v, %v, want 5 GiB by %v", res, err, fastMethod)
	}
	if <-tail != nettest.PatternSum(off, n) {
		t.Errorf("the bytes at %d are not those of the file", int64(off))
	}
}

func TestTwoSendsShareOneFile(t *testing.T) {
	const size = 1 << 20
	f := nettest.PatternFile(t, size)
	var transfers sync.WaitGroup
	for _, method := range []sendfile.Method{sendfile.Auto, sendfile.TransmitFile} {
		for _, off := range []int64{0, size / 3} {
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			transfers.Go(func() {
				res, err := sendfile.Send(t.Context(), server, f, off, -1, &sendfile.Options{Chunk: 10_000, Method: method})
				_ = server.Close()
				if g := <-got; err != nil || g.SHA256 != nettest.PatternSum(off, size-off) {
					t.Errorf("%v from %d: %+v, %v, and the peer got %d bytes", method, off, res, err, g.N)
				}
			})
		}
	}
	transfers.Wait()
}

func TestSendWhileTheFileChanges(t *testing.T) {
	const size, chunk = 300_000, 100_000
	for _, tt := range []struct {
		name    string
		n       int64
		change  func(t *testing.T, f *os.File) // once, after the first chunk
		want    int64
		wantErr error
	}{
		{"growth is sent if the count is negative", -1, func(t *testing.T, f *os.File) {
			p := make([]byte, 50_000)
			nettest.PatternAt(p, size)
			if _, err := f.WriteAt(p, size); err != nil {
				t.Fatal(err)
			}
		}, size + 50_000, nil},
		{"growth is not sent beyond the count", size, func(t *testing.T, f *os.File) {
			if err := f.Truncate(2 * size); err != nil {
				t.Fatal(err)
			}
		}, size, nil},
		{"a file that shrinks is an error", -1, func(t *testing.T, f *os.File) {
			if err := f.Truncate(size / 2); err != nil {
				t.Fatal(err)
			}
		}, size / 2, io.ErrUnexpectedEOF},
		{"a file that shrinks below what was sent is an error", size, func(t *testing.T, f *os.File) {
			if err := f.Truncate(0); err != nil {
				t.Fatal(err)
			}
		}, chunk, io.ErrUnexpectedEOF},
		{"a file that is replaced is sent with its old content", -1, func(t *testing.T, f *os.File) {
			other := filepath.Join(filepath.Dir(f.Name()), "other")
			if err := os.WriteFile(other, []byte("other"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other, f.Name()); err != nil {
				t.Fatal(err)
			}
		}, size, nil},
	} {
		for _, method := range []sendfile.Method{sendfile.Auto, sendfile.Copy, sendfile.TransmitFile} {
			t.Run(method.String()+"/"+tt.name, func(t *testing.T) {
				if strings.Contains(tt.name, "replaced") && runtime.GOOS == "windows" {
					t.Skip("Windows lets nobody replace an open file")
				}
				f := nettest.PatternFile(t, size)
				server, client := nettest.Pair(t)
				got := nettest.Sum(t, client)
				change := sync.OnceFunc(func() { tt.change(t, f) })
				res, err := sendfile.Send(t.Context(), server, f, 0, tt.n, &sendfile.Options{
					Method: method, Chunk: chunk, Progress: func(sendfile.Result) { change() },
				})
				if !errors.Is(err, tt.wantErr) || res.Sent != tt.want {
					t.Errorf("Send = %+v, %v, want %d bytes and %v", res, err, tt.want, tt.wantErr)
				}
				if err != nil && sideOf(t, err) != sendfile.File {
					t.Errorf("side %v, want file", sideOf(t, err))
				}
				if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, tt.want) {
					t.Errorf("the peer got %d bytes of other content", g.N)
				}
			})
		}
	}
}

// A count that passes the end of the file makes Linux hold the last packet back.
// No result shows that, so the test observes the system calls.
func TestNoCountPassesTheEndOfTheFile(t *testing.T) {
	if fastMethod != sendfile.Sendfile {
		t.Skip("sendfile(2) is not used here")
	}
	const size = 100_001
	for _, n := range []int64{-1, size, size + 1, 1 << 30} {
		f := nettest.PatternFile(t, size)
		server, client := nettest.Pair(t)
		got := nettest.Sum(t, client)
		calls := 0
		_, _ = sendfile.SendObserved(t.Context(), server, f, 0, n, &sendfile.Options{Chunk: 30_000}, func(off int64, count int) {
			calls++
			if off+int64(count) > size {
				t.Errorf("count %d: sendfile of %d bytes at %d passes the end at %d", n, count, off, size)
			}
		})
		if g := received(t, server, got); g.N != size || calls < 4 {
			t.Errorf("count %d: %d bytes by %d calls, want %d by 4 or more", n, g.N, calls, size)
		}
	}
}

func TestHooksSeeEveryChunk(t *testing.T) {
	const size, chunk = 100_000, 30_000
	for _, method := range []sendfile.Method{sendfile.Auto, sendfile.Copy, sendfile.TransmitFile} {
		t.Run(method.String(), func(t *testing.T) {
			f := nettest.PatternFile(t, size)
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			var asked, reported []int64
			_, err := sendfile.Send(t.Context(), server, f, 0, size, &sendfile.Options{
				Method: method,
				Chunk:  chunk,
				Wait: func(_ context.Context, n int) (int, error) {
					asked = append(asked, int64(n))
					return min(n, 25_000), nil
				},
				Progress: func(res sendfile.Result) { reported = append(reported, res.Sent) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if want := []int64{30_000, 30_000, 30_000, 25_000}; !slices.Equal(asked, want) {
				t.Errorf("Wait was asked for %v, want %v", asked, want)
			}
			if want := []int64{25_000, 50_000, 75_000, 100_000}; !slices.Equal(reported, want) {
				t.Errorf("Progress was called with %v, want %v", reported, want)
			}
			if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, size) {
				t.Errorf("the peer got %d bytes of other content", g.N)
			}
		})
	}
}

func TestErrorTextNamesSideMethodOffsetAndCause(t *testing.T) {
	err := &sendfile.Error{Op: "send", Side: sendfile.Peer, Method: sendfile.Sendfile, Offset: 4096, Err: syscall.ECONNRESET}
	if got, want := err.Error(), "send: peer: sendfile at offset 4096: "+syscall.ECONNRESET.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Error("the cause is lost")
	}
}

func TestParseMethod(t *testing.T) {
	for _, method := range []sendfile.Method{sendfile.Auto, sendfile.Sendfile, sendfile.Splice, sendfile.Copy, sendfile.TransmitFile} {
		if got, err := sendfile.ParseMethod(method.String()); err != nil || got != method {
			t.Errorf("ParseMethod(%q) = %v, %v", method, got, err)
		}
	}
	if _, err := sendfile.ParseMethod("teleport"); err == nil {
		t.Error("ParseMethod knows a method called teleport")
	}
}
