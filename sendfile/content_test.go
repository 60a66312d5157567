package sendfile_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// readerAt and writerAt turn a function into a source or a target.
type (
	readerAt func(p []byte, off int64) (int, error)
	writerAt func(p []byte, off int64) (int, error)
)

func (f readerAt) ReadAt(p []byte, off int64) (int, error)  { return f(p, off) }
func (f writerAt) WriteAt(p []byte, off int64) (int, error) { return f(p, off) }

// inverted is a file whose own methods invert each bit, so the content shows
// whether a transfer has bypassed them.
type inverted struct{ *os.File }

func (f inverted) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	invert(p[:n])
	return n, err
}

func (f inverted) WriteAt(p []byte, off int64) (int, error) {
	q := bytes.Clone(p)
	invert(q)
	return f.File.WriteAt(q, off)
}

func invert(p []byte) {
	for i := range p {
		p[i] = ^p[i]
	}
}

// memory is a target that grows, as a file does.
type memory struct{ p []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(m.p) {
		m.p = append(m.p, make([]byte, need-len(m.p))...)
	}
	return copy(m.p[off:], p), nil
}

// sources are implementations of io.ReaderAt, each with the first size bytes of
// the pattern as its content.
var sources = []struct {
	name string
	make func(t *testing.T, size int64) io.ReaderAt
}{
	{"a bytes.Reader", func(_ *testing.T, size int64) io.ReaderAt { return bytes.NewReader(pattern(0, size)) }},
	{"a strings.Reader", func(_ *testing.T, size int64) io.ReaderAt { return strings.NewReader(string(pattern(0, size))) }},
	{"an io.SectionReader", func(_ *testing.T, size int64) io.ReaderAt {
		return io.NewSectionReader(bytes.NewReader(pattern(0, size+100)), 0, size)
	}},
	{"an io.SectionReader of a file", func(t *testing.T, size int64) io.ReaderAt {
		return io.NewSectionReader(nettest.PatternFile(t, size+100), 0, size)
	}},
	{"a Section of a file", func(t *testing.T, size int64) io.ReaderAt {
		f := nettest.PatternFile(t, size)
		return readerAt(func(p []byte, off int64) (int, error) {
			return sendfile.NewSection(f, 0, size).ReadAt(p, off)
		})
	}},
	{"a struct that embeds *os.File, by its own ReadAt", func(t *testing.T, size int64) io.ReaderAt {
		f := nettest.PatternFile(t, size)
		p := pattern(0, size)
		invert(p)
		if _, err := f.WriteAt(p, 0); err != nil {
			t.Fatal(err)
		}
		return inverted{f}
	}},
	{"a source that gives EOF with its last bytes", func(_ *testing.T, size int64) io.ReaderAt {
		r := bytes.NewReader(pattern(0, size))
		return readerAt(func(p []byte, off int64) (int, error) {
			n, err := r.ReadAt(p, off)
			if off+int64(n) == size {
				err = io.EOF
			}
			return n, err
		})
	}},
	{"a source that gives a few bytes at a time", func(_ *testing.T, size int64) io.ReaderAt {
		r := bytes.NewReader(pattern(0, size))
		return readerAt(func(p []byte, off int64) (int, error) { return r.ReadAt(p[:min(len(p), 7001)], off) })
	}},
}

// bounded returns a source that fails the test when it is asked for bytes outside
// off to off+n. If n is negative, only off is a limit.
func bounded(t *testing.T, src io.ReaderAt, off, n int64) io.ReaderAt {
	return readerAt(func(p []byte, at int64) (int, error) {
		if len(p) == 0 || at < off || n >= 0 && at+int64(len(p)) > off+n {
			t.Errorf("ReadAt of %d bytes at %d, want only bytes of the %d at %d", len(p), at, n, off)
		}
		return src.ReadAt(p, at)
	})
}

func TestSendFromAnyReaderAt(t *testing.T) {
	const size = 600_123
	for _, tt := range []struct {
		name    string
		off, n  int64
		opt     sendfile.Options
		want    int64
		wantErr error
	}{
		{name: "all by count", n: size, want: size},
		{name: "to the end when the count is negative", n: -1, want: size},
		{name: "from an offset to the end", off: 4097, n: -1, want: size - 4097},
		{name: "a range inside", off: 1000, n: 5000, want: 5000},
		{name: "a count of zero sends nothing", off: 10, n: 0},
		{name: "an offset at the end sends nothing", off: size, n: -1},
		{name: "an offset beyond the end sends nothing", off: size + 10, n: -1},
		{name: "the largest offset sends nothing", off: math.MaxInt64, n: -1},
		{name: "a count beyond the end sends up to the end and fails", off: size - 100, n: 200, want: 100, wantErr: io.ErrUnexpectedEOF},
		{name: "a count that starts beyond the end fails", off: size + 1, n: 1, wantErr: io.ErrUnexpectedEOF},
		{name: "the largest count does not mean up to the end", n: math.MaxInt64, want: size, wantErr: io.ErrUnexpectedEOF},
		{name: "chunks of a page", n: -1, opt: sendfile.Options{Chunk: 4096}, want: size},
		{name: "a chunk larger than all", n: -1, opt: sendfile.Options{Chunk: 1 << 30}, want: size},
		{name: "a timeout", n: -1, opt: sendfile.Options{Timeout: testTimeout}, want: size},
		{name: "sendfile is forced", n: -1, opt: sendfile.Options{Method: sendfile.Sendfile}, want: size},
		{name: "TransmitFile is forced", n: -1, opt: sendfile.Options{Method: sendfile.TransmitFile}, want: size},
	} {
		for _, source := range sources {
			t.Run(source.name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				server, client := nettest.Pair(t)
				got := nettest.Sum(t, client)
				src := source.make(t, size)
				if _, embeds := src.(inverted); !embeds { // Send must see that type unwrapped
					src = bounded(t, src, tt.off, tt.n)
				}
				res, err := sendfile.Send(t.Context(), server, src, tt.off, tt.n, &tt.opt)
				if !errors.Is(err, tt.wantErr) || err != nil && sideOf(t, err) != sendfile.File {
					t.Errorf("error %v, want %v from the file", err, tt.wantErr)
				}
				if want := (sendfile.Result{Sent: tt.want, Method: sendfile.Copy}); res != want {
					t.Errorf("Send = %+v, want %+v", res, want)
				}
				if g := received(t, server, got); g.SHA256 != nettest.PatternSum(tt.off, tt.want) {
					t.Errorf("the peer got %d bytes, want the %d at %d", g.N, tt.want, tt.off)
				}
			})
		}
	}
}

// A source that breaks the rules of io.ReaderAt ends the transfer; all bytes that
// it returned before are sent.
func TestSendFromAReaderAtThatBreaksTheRules(t *testing.T) {
	const good = 100_000 // bytes before the rule is broken
	broken := errors.New("checksum mismatch")
	for _, tt := range []struct {
		name    string
		readAt  func(p []byte) (int, error) // called from offset good on
		more    int64                       // bytes that readAt still returns
		want    string
		wantErr error
	}{
		{"no bytes and no error", func([]byte) (int, error) { return 0, nil }, 0, "multiple Read calls", io.ErrNoProgress},
		{"a negative count", func([]byte) (int, error) { return -1, nil }, 0, "invalid count: -1", nil},
		{"a negative count and EOF", func([]byte) (int, error) { return -1, io.EOF }, 0, "invalid count: -1", nil},
		{"a count larger than asked", func(p []byte) (int, error) { return len(p) + 1, nil }, 0, "invalid count", nil},
		{"a count larger than asked and EOF", func(p []byte) (int, error) { return len(p) + 1, io.EOF }, 0, "invalid count", nil},
		{"a count larger than any buffer", func([]byte) (int, error) { return math.MaxInt, nil }, 0, "invalid count", nil},
		{"an error", func([]byte) (int, error) { return 0, broken }, 0, "checksum mismatch", broken},
		{"an error with all that was asked", func(p []byte) (int, error) { return len(p), broken }, 1000, "checksum mismatch", broken},
		{"an error with a part of it", func([]byte) (int, error) { return 10, broken }, 10, "checksum mismatch", broken},
		{"an error like that of a closed file", func([]byte) (int, error) { return 0, os.ErrClosed }, 0, "closed", os.ErrClosed},
		{"EOF", func([]byte) (int, error) { return 0, io.EOF }, 0, "unexpected EOF", io.ErrUnexpectedEOF},
	} {
		for _, opaqueConn := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/opaque=%v", tt.name, opaqueConn), func(t *testing.T) {
				t.Parallel()
				calls := 0
				src := readerAt(func(p []byte, off int64) (int, error) {
					if calls++; calls > 1000 {
						panic("endless loop")
					}
					if off < good {
						p = p[:min(int64(len(p)), good-off)]
						nettest.PatternAt(p, off)
						return len(p), nil
					}
					nettest.PatternAt(p, off)
					return tt.readAt(p)
				})
				server, client := nettest.Pair(t)
				got := nettest.Sum(t, client)
				var dst net.Conn = server
				if opaqueConn {
					dst = opaque{server}
				}
				res, err := sendfile.Send(t.Context(), dst, src, 0, good+1000, &sendfile.Options{Chunk: 30_000})
				if err == nil || !strings.Contains(err.Error(), tt.want) || tt.wantErr != nil && !errors.Is(err, tt.wantErr) {
					t.Fatalf("Send = %+v, %v, want an error about %q", res, err, tt.want)
				}
				wantSide := sendfile.File
				if tt.wantErr == os.ErrClosed {
					wantSide = sendfile.Caller
				}
				var e *sendfile.Error
				if !errors.As(err, &e) || e.Side != wantSide || e.Method != sendfile.Copy || e.Offset != res.Sent {
					t.Errorf("error %v, want one from the %v at offset %d", err, wantSide, res.Sent)
				}
				if want := (sendfile.Result{Sent: good + tt.more, Method: sendfile.Copy}); res != want {
					t.Errorf("Send = %+v, want %+v", res, want)
				}
				if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, good+tt.more) {
					t.Errorf("the peer got %d bytes, want the %d of the source", g.N, good+tt.more)
				}
			})
		}
	}
}

func TestSendWithEachReadAtFailing(t *testing.T) {
	const off, n = 1000, 200_000
	broken := errors.New("the source is broken")
	for nth := 1; ; nth++ {
		calls := 0
		source := bytes.NewReader(pattern(0, off+n))
		src := readerAt(func(p []byte, at int64) (int, error) {
			if calls++; calls == nth {
				return 0, broken
			}
			return source.ReadAt(p, at)
		})
		server, client := nettest.Pair(t)
		got := nettest.Sum(t, client)
		res, err := sendfile.Send(t.Context(), server, src, off, n, &sendfile.Options{Chunk: 30_000, Timeout: testTimeout})
		if g := received(t, server, got); g.SHA256 != nettest.PatternSum(off, res.Sent) {
			t.Errorf("call %d: the peer got %d bytes, want the %d that are reported", nth, g.N, res.Sent)
		}
		if calls < nth {
			if err != nil || res.Sent != n {
				t.Errorf("without a fault: %+v, %v", res, err)
			}
			return // every call has failed once
		}
		if !errors.Is(err, broken) || sideOf(t, err) != sendfile.File || res.Sent != int64(nth-1)*30_000 {
			t.Errorf("call %d: %+v, %v, want %v from the file", nth, res, err, broken)
		}
	}
}

func TestSendFromMemoryWithEachSystemCallFailing(t *testing.T) {
	const off, n = 1000, 200_000
	eachFault(t, off, n, []sendfile.Method{sendfile.Auto}, func(sendfile.Method) faultyRun {
		return func(t *testing.T, f *sendfile.Faults) (sendfile.Result, [32]byte, error) {
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			f.Hook = func() { // see TestSendWithEachCallFailing
				if f.Err == error(syscall.EAGAIN) {
					_, _ = client.Write([]byte{0})
				}
			}
			src := bytes.NewReader(pattern(0, off+n))
			res, err := sendfile.SendWithFaults(t.Context(), server, src, off, n, &sendfile.Options{Chunk: 30_000, Timeout: testTimeout}, f)
			_ = server.CloseWrite()
			return res, (<-got).SHA256, err
		}
	})
}

func TestSendFromMemoryToAStalledPeerEndsAfterTheTimeout(t *testing.T) {
	for _, tt := range sendMethods {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, _ := fullPair(t)
			src := bytes.NewReader(pattern(0, 4<<20))
			res, err := sendfile.Send(t.Context(), tt.wrap(server), src, 0, -1, &sendfile.Options{Timeout: 50 * time.Millisecond, Method: tt.method})
			var e *sendfile.Error
			if !errors.As(err, &e) || !e.Timeout() || e.Side != sendfile.Peer || e.Offset != res.Sent {
				t.Errorf("Send = %+v, %v, want a timeout of the peer", res, err)
			}
		})
	}
}

func TestCancelEndsASendFromMemory(t *testing.T) {
	skipCancelledWrite(t, sendfile.Copy)
	reason := errors.New("the operator pressed a key")
	for _, tt := range sendMethods {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, _ := fullPair(t)
			src := bytes.NewReader(pattern(0, 4<<20))
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(20*time.Millisecond, func() { cancel(reason) })
			res, err := sendfile.Send(ctx, tt.wrap(server), src, 0, -1, &sendfile.Options{Method: tt.method})
			if !errors.Is(err, reason) || sideOf(t, err) != sendfile.Caller {
				t.Errorf("Send = %+v, %v, want %v from the caller", res, err, reason)
			}
		})
	}
}

// A ReadAt that blocks is not interrupted, but nothing is sent after it.
func TestCancelDuringAReadAtEndsTheSend(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src := readerAt(func(p []byte, _ int64) (int, error) {
		cancel()
		return len(p), nil
	})
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	res, err := sendfile.Send(ctx, server, src, 0, -1, nil)
	if !errors.Is(err, context.Canceled) || sideOf(t, err) != sendfile.Caller || res.Sent != 0 {
		t.Errorf("Send = %+v, %v, want the end of the context before a byte is sent", res, err)
	}
	if g := received(t, server, got); g.N != 0 {
		t.Errorf("the peer got %d bytes, want none", g.N)
	}
}

func TestATimeoutOfTheSourceIsNoTimeoutOfThePeer(t *testing.T) {
	src := readerAt(func([]byte, int64) (int, error) { return 0, os.ErrDeadlineExceeded })
	server, _ := nettest.Pair(t)
	_, err := sendfile.Send(t.Context(), server, src, 0, -1, nil)
	var e *sendfile.Error
	if !errors.As(err, &e) || e.Side != sendfile.File || e.Timeout() {
		t.Errorf("error %v, want one of the file that is no timeout of the peer", err)
	}
}

func TestSixteenSendsShareOneReaderAt(t *testing.T) {
	const size = 1 << 20
	src := bytes.NewReader(pattern(0, size))
	var transfers sync.WaitGroup
	for i := range int64(16) {
		server, client := nettest.Pair(t)
		got := nettest.Sum(t, client)
		off := i * 10_007
		transfers.Go(func() {
			res, err := sendfile.Send(t.Context(), server, src, off, -1, &sendfile.Options{Chunk: 10_000})
			_ = server.Close()
			if g := <-got; err != nil || g.SHA256 != nettest.PatternSum(off, size-off) {
				t.Errorf("from %d: %+v, %v, and the peer got %d bytes", off, res, err, g.N)
			}
		})
	}
	transfers.Wait()
}

func TestHooksSeeEveryChunkFromMemory(t *testing.T) {
	const size = 100_000
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	var reported []int64
	conn := sendfile.NewConn(server)
	_, err := sendfile.Send(t.Context(), conn, bytes.NewReader(pattern(0, size)), 0, size, &sendfile.Options{
		Chunk:    30_000,
		Wait:     func(_ context.Context, n int) (int, error) { return min(n, 25_000), nil },
		Progress: func(res sendfile.Result) { reported = append(reported, res.Sent) },
	})
	if want := "[25000 50000 75000 100000]"; err != nil || fmt.Sprint(reported) != want {
		t.Errorf("Progress was called with %v, %v, want %v", reported, err, want)
	}
	if conn.Sent() != size || conn.ZeroCopied() != 0 {
		t.Errorf("counted %d bytes, %d of them zero-copied, want %d and none", conn.Sent(), conn.ZeroCopied(), size)
	}
	if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, size) {
		t.Errorf("the peer got %d bytes of other content", g.N)
	}
}

func TestAMissingSourceOrTargetIsRefused(t *testing.T) {
	server, _ := nettest.Pair(t)
	var file *os.File
	for _, tt := range []struct {
		name string
		call func() (sendfile.Result, error)
	}{
		{"Send from a nil interface", func() (sendfile.Result, error) { return sendfile.Send(t.Context(), server, nil, 0, -1, nil) }},
		{"Send from a nil *os.File", func() (sendfile.Result, error) { return sendfile.Send(t.Context(), server, file, 0, -1, nil) }},
		{"Receive into a nil interface", func() (sendfile.Result, error) { return sendfile.Receive(t.Context(), nil, server, 0, -1, nil) }},
		{"Receive into a nil *os.File", func() (sendfile.Result, error) { return sendfile.Receive(t.Context(), file, server, 0, -1, nil) }},
		{"a Section of a nil interface", func() (sendfile.Result, error) {
			s := sendfile.NewSection(nil, 0, 10)
			_, err := s.WriteTo(server)
			return s.Result(), err
		}},
		{"a Section of a nil *os.File", func() (sendfile.Result, error) {
			s := sendfile.NewSection(file, 0, 10)
			_, err := s.WriteTo(server)
			return s.Result(), err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := tt.call()
			if err == nil || !strings.Contains(err.Error(), "nil file") || sideOf(t, err) != sendfile.Caller || res.Sent != 0 {
				t.Errorf("%+v, %v, want a nil file refused", res, err)
			}
		})
	}
}

func TestReceiveIntoAnyWriterAt(t *testing.T) {
	const sent = 600_123
	for _, tt := range []struct {
		name    string
		off, n  int64
		send    int64
		opt     sendfile.Options
		want    int64
		wantErr error
	}{
		{name: "until the peer ends when the count is negative", n: -1, send: sent, want: sent},
		{name: "a count", n: sent, send: sent, want: sent},
		{name: "a count of zero receives nothing"},
		{name: "nothing from a peer that sends nothing", n: -1},
		{name: "at an offset", off: 1000, n: 2000, send: 2000, want: 2000},
		{name: "a peer that ends early is an error", n: 3 << 20, send: 999, want: 999, wantErr: io.ErrUnexpectedEOF},
		{name: "the largest count does not mean up to the end", n: math.MaxInt64, send: 999, want: 999, wantErr: io.ErrUnexpectedEOF},
		{name: "chunks of a page", n: -1, send: 100_000, opt: sendfile.Options{Chunk: 4096}, want: 100_000},
		{name: "splice is forced", n: -1, send: sent, opt: sendfile.Options{Method: sendfile.Splice}, want: sent},
	} {
		check := func(t *testing.T, target io.WriterAt, content func() []byte) {
			t.Parallel()
			server, client := nettest.Pair(t)
			feed(client, tt.send, func() { _ = client.CloseWrite() })
			res, err := sendfile.Receive(t.Context(), target, server, tt.off, tt.n, &tt.opt)
			if !errors.Is(err, tt.wantErr) || err != nil && sideOf(t, err) != sendfile.Peer {
				t.Errorf("error %v, want %v from the peer", err, tt.wantErr)
			}
			if want := (sendfile.Result{Sent: tt.want, Method: sendfile.Copy}); res != want {
				t.Errorf("Receive = %+v, want %+v", res, want)
			}
			if got := content(); int64(len(got)) < tt.off+tt.want || sha256.Sum256(got[tt.off:][:tt.want]) != nettest.PatternSum(0, tt.want) {
				t.Errorf("the target has %d bytes, want the %d of the peer at %d", len(got), tt.want, tt.off)
			}
		}
		t.Run("memory/"+tt.name, func(t *testing.T) {
			m := &memory{make([]byte, tt.off)}
			check(t, m, func() []byte { return m.p })
		})
		t.Run("an io.OffsetWriter of a file/"+tt.name, func(t *testing.T) {
			f := target(t, 0)
			check(t, io.NewOffsetWriter(f, 100), func() []byte {
				p, err := io.ReadAll(io.NewSectionReader(f, 100, math.MaxInt64-100))
				if err != nil {
					t.Error(err)
				}
				return append(p, make([]byte, max(tt.off-int64(len(p)), 0))...)
			})
		})
		t.Run("a struct that embeds *os.File, by its own WriteAt/"+tt.name, func(t *testing.T) {
			f := target(t, 0)
			check(t, inverted{f}, func() []byte {
				p, err := os.ReadFile(f.Name())
				if err != nil {
					t.Error(err)
				}
				invert(p)
				return append(p, make([]byte, max(tt.off-int64(len(p)), 0))...)
			})
		})
	}
}

// A target that breaks the rules of io.WriterAt ends the transfer.
func TestReceiveIntoAWriterAtThatBreaksTheRules(t *testing.T) {
	const size, good = 100_000, 60_000 // all bytes, and those before the rule is broken
	broken := errors.New("quota exceeded")
	for _, tt := range []struct {
		name    string
		count   func(given int) int
		err     error
		more    int64 // bytes that the target still accepts
		want    string
		wantErr error
	}{
		{"a short write without an error", func(int) int { return 100 }, nil, 100, "short write", io.ErrShortWrite},
		{"no bytes and no error", func(int) int { return 0 }, nil, 0, "short write", io.ErrShortWrite},
		{"a negative count", func(int) int { return -1 }, nil, 0, "invalid count: -1", nil},
		{"a count larger than given", func(given int) int { return given + 1 }, nil, 0, "invalid count", nil},
		{"a negative count and an error", func(int) int { return -1 }, broken, 0, "invalid count: -1", nil},
		{"an error", func(int) int { return 0 }, broken, 0, "quota exceeded", broken},
		{"an error after a part", func(int) int { return 10 }, broken, 10, "quota exceeded", broken},
		{"an error after all that was given", func(given int) int { return given }, broken, 30_000, "quota exceeded", broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var m memory
			dst := writerAt(func(p []byte, off int64) (int, error) {
				n, err := m.WriteAt(p, off)
				if off < good {
					return n, err
				}
				return tt.count(len(p)), tt.err
			})
			server, client := nettest.Pair(t)
			feed(client, size, nil)
			res, err := sendfile.Receive(t.Context(), dst, server, 0, size, &sendfile.Options{Chunk: 30_000})
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.wantErr != nil && !errors.Is(err, tt.wantErr) {
				t.Fatalf("Receive = %+v, %v, want an error about %q", res, err, tt.want)
			}
			var e *sendfile.Error
			if !errors.As(err, &e) || e.Side != sendfile.File || e.Method != sendfile.Copy || e.Offset != res.Sent {
				t.Errorf("error %v, want one from the file at offset %d", err, res.Sent)
			}
			if want := (sendfile.Result{Sent: good + tt.more, Method: sendfile.Copy}); res != want {
				t.Errorf("Receive = %+v, want %+v", res, want)
			}
			if sha256.Sum256(m.p[:res.Sent]) != nettest.PatternSum(0, res.Sent) {
				t.Error("the target has other content")
			}
		})
	}
}

func TestReceiveWithEachWriteAtFailing(t *testing.T) {
	const n = 50_000
	broken := errors.New("the target is broken")
	for nth := 1; ; nth++ {
		var m memory
		calls := 0
		dst := writerAt(func(p []byte, off int64) (int, error) {
			if calls++; calls == nth {
				return 0, broken
			}
			return m.WriteAt(p, off)
		})
		server, client := nettest.Pair(t)
		feed(client, n, nil)
		res, err := sendfile.Receive(t.Context(), dst, server, 0, n, &sendfile.Options{Chunk: 8_000, Timeout: testTimeout})
		if sha256.Sum256(m.p) != nettest.PatternSum(0, res.Sent) {
			t.Errorf("call %d: the target has %d bytes, want the %d that are reported", nth, len(m.p), res.Sent)
		}
		if calls < nth {
			if err != nil || res.Sent != n {
				t.Errorf("without a fault: %+v, %v", res, err)
			}
			return // every call has failed once
		}
		if !errors.Is(err, broken) || sideOf(t, err) != sendfile.File || res.Sent != int64(nth-1)*8_000 {
			t.Errorf("call %d: %+v, %v, want %v from the file", nth, res, err, broken)
		}
	}
}

func TestReceiveIntoMemoryFromAStalledPeer(t *testing.T) {
	for _, method := range uploadMethods {
		t.Run(method.name, func(t *testing.T) {
			t.Parallel()
			server, client := nettest.Pair(t)
			feed(client, 100_000, nil) // and then nothing
			var m memory
			res, err := sendfile.Receive(t.Context(), &m, method.wrap(server), 0, 200_000, &sendfile.Options{Timeout: 50 * time.Millisecond, Method: method.option})
			var e *sendfile.Error
			if !errors.As(err, &e) || !e.Timeout() || e.Side != sendfile.Peer {
				t.Fatalf("Receive = %+v, %v, want a timeout of the peer", res, err)
			}
			if res.Sent != 100_000 || sha256.Sum256(m.p) != nettest.PatternSum(0, 100_000) {
				t.Errorf("%d bytes, want the 100000 that came before the stall", res.Sent)
			}
		})
	}
}

func TestCancelEndsAReceiveIntoMemory(t *testing.T) {
	reason := errors.New("the operator pressed a key")
	server, client := nettest.Pair(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	feed(client, 1000, func() { cancel(reason) })
	var m memory
	res, err := sendfile.Receive(ctx, &m, server, 0, -1, nil)
	if !errors.Is(err, reason) || sideOf(t, err) != sendfile.Caller {
		t.Errorf("Receive = %+v, %v, want %v from the caller", res, err, reason)
	}
	if sha256.Sum256(m.p) != nettest.PatternSum(0, res.Sent) {
		t.Error("the target has other content")
	}
}

func TestReceiveStopsAtTheLargestOffset(t *testing.T) {
	const room = 10
	dst := writerAt(func(p []byte, off int64) (int, error) {
		if off < 0 || off > math.MaxInt64-int64(len(p)) {
			t.Errorf("WriteAt of %d bytes at %d", len(p), off)
		}
		return len(p), nil
	})
	server, client := nettest.Pair(t)
	feed(client, 2*room, nil)
	res, err := sendfile.Receive(t.Context(), dst, server, math.MaxInt64-room, -1, nil)
	if err == nil || sideOf(t, err) != sendfile.Caller || res.Sent != room {
		t.Errorf("Receive = %+v, %v, want an error after %d bytes", res, err, room)
	}
}

func TestSendOfTheLargestCountFailsAtTheEndOfTheFile(t *testing.T) {
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	res, err := sendfile.Send(t.Context(), server, nettest.PatternFile(t, 1000), 0, math.MaxInt64, nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || sideOf(t, err) != sendfile.File || res.Sent != 1000 {
		t.Errorf("Send = %+v, %v, want 1000 bytes and an unexpected EOF", res, err)
	}
	if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, 1000) {
		t.Errorf("the peer got %d bytes of other content", g.N)
	}
}
