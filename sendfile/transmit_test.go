package sendfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// hookedTransmission is a transmission whose calls a test can change.
type hookedTransmission struct {
	transmission
	beforeStart  func(off int64, n int) error        // before start; an error takes its place
	changeResult func(n int, err error) (int, error) // what result returns
}

func (a *hookedTransmission) start(socket, file uintptr, off int64, n int) error {
	if a.beforeStart != nil {
		if err := a.beforeStart(off, n); err != nil {
			return err
		}
	}
	return a.transmission.start(socket, file, off, n)
}

func (a *hookedTransmission) result(socket uintptr) (int, error) {
	n, err := a.transmission.result(socket)
	if a.changeResult != nil {
		return a.changeResult(n, err)
	}
	return n, err
}

// transmitKernel returns the system's kernel with transmissions that have the
// hooks of a.
func transmitKernel(t *testing.T, a hookedTransmission) *kernel {
	t.Helper()
	if system.transmit == nil {
		t.Skip("no TransmitFile here, and the tests imitate it on Linux only")
	}
	k := system
	k.transmit = func() (transmission, error) {
		var err error
		a.transmission, err = system.transmit()
		return &a, err
	}
	return &k
}

func TestTransmitFileFallsBackToCopyWhenUnsupported(t *testing.T) {
	const off, size, chunk = 11, 100_000, 10_000
	for _, errno := range unsupportedErrnos {
		for refused := 1; refused <= 2; refused++ {
			t.Run(fmt.Sprintf("%v at call %d", errno, refused), func(t *testing.T) {
				calls := 0
				k := transmitKernel(t, hookedTransmission{beforeStart: func(int64, int) error {
					if calls++; calls == refused {
						return errno
					}
					return nil
				}})
				server, client := nettest.Pair(t)
				got := nettest.Sum(t, client)
				res, err := send(t.Context(), server, nettest.PatternFile(t, size), off, -1, &Options{Method: TransmitFile, Chunk: chunk}, k)
				want := Result{Sent: size - off, ZeroCopied: int64(refused-1) * chunk, Method: Copy}
				if err != nil || res != want || calls != refused {
					t.Errorf("%+v, %v after %d calls, want %+v after %d", res, err, calls, want, refused)
				}
				_ = server.Close()
				if g := <-got; g.SHA256 != nettest.PatternSum(off, size-off) {
					t.Errorf("the peer got %d bytes of other content", g.N)
				}
			})
		}
	}
}

func TestTransmitFileReportsTheSideAndTheBytesSentWithAnError(t *testing.T) {
	const off, size, chunk = 11, 100_000, 10_000
	cases := map[syscall.Errno]Side{syscall.EIO: File, syscall.EBADF: File}
	for _, errno := range peerErrnos {
		cases[errno] = Peer
	}
	for _, errno := range unsupportedErrnos { // after a part was sent they are plain errors
		cases[errno] = File
	}
	for errno, side := range cases {
		t.Run(errno.Error(), func(t *testing.T) {
			calls := 0
			k := transmitKernel(t, hookedTransmission{changeResult: func(n int, err error) (int, error) {
				if calls++; calls == 3 {
					return n, errno
				}
				return n, err
			}})
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			res, err := send(t.Context(), server, nettest.PatternFile(t, size), off, -1, &Options{Method: TransmitFile, Chunk: chunk}, k)
			var e *Error
			if !errors.As(err, &e) || e.Side != side || e.Err.(*os.SyscallError).Err != errno || e.Offset != off+3*chunk {
				t.Errorf("error %v, want %v of the %v at offset %d", err, errno, side, off+3*chunk)
			}
			if want := (Result{Sent: 3 * chunk, ZeroCopied: 3 * chunk, Method: TransmitFile}); res != want {
				t.Errorf("%+v, want %+v", res, want)
			}
			_ = server.Close()
			if g := <-got; g.SHA256 != nettest.PatternSum(off, 3*chunk) {
				t.Errorf("the peer got %d bytes of other content", g.N)
			}
		})
	}
}

func TestTransmitFileOfAFileThatEndsUnderTheCall(t *testing.T) {
	const size, chunk = 100_000, 10_000
	f := nettest.PatternFile(t, size)
	calls := 0
	k := transmitKernel(t, hookedTransmission{changeResult: func(n int, err error) (int, error) {
		if calls++; calls == 3 {
			n = 0
		}
		return n, err
	}})
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	res, err := send(t.Context(), server, f, 0, size, &Options{Method: TransmitFile, Chunk: chunk}, k)
	var e *Error
	if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) || e.Side != File || res.Sent != 2*chunk {
		t.Errorf("%+v, %v, want %d bytes and an unexpected EOF of the file", res, err, 2*chunk)
	}
	_ = server.Close()
	<-got
}

func TestAutoTransmitsOnServerEditionsWithATimeoutOnly(t *testing.T) {
	const size = 50_000
	for _, tt := range []struct {
		name   string
		server bool
		opt    Options
		want   Method
	}{
		{"a client edition copies", false, Options{Timeout: time.Minute}, Copy},
		{"a client edition transmits if forced", false, Options{Timeout: time.Minute, Method: TransmitFile}, TransmitFile},
		{"a server edition transmits", true, Options{Timeout: time.Minute}, TransmitFile},
		{"a server edition copies when the deadline is the caller's", true, Options{}, Copy},
		{"a server edition transmits without a timeout if forced", true, Options{Method: TransmitFile}, TransmitFile},
		{"a server edition copies if forced", true, Options{Timeout: time.Minute, Method: Copy}, Copy},
		{"forcing a method of another system copies", true, Options{Timeout: time.Minute, Method: Sendfile}, Copy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := transmitKernel(t, hookedTransmission{})
			k.sendfile = nil // as on Windows
			k.isServer = func() bool { return tt.server }
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			res, err := send(t.Context(), server, nettest.PatternFile(t, size), 0, -1, &tt.opt, k)
			if err != nil || res.Method != tt.want || res.Sent != size {
				t.Errorf("%+v, %v, want %d bytes by %v", res, err, size, tt.want)
			}
			_ = server.Close()
			if g := <-got; g.SHA256 != nettest.PatternSum(0, size) {
				t.Errorf("the peer got %d bytes of other content", g.N)
			}
		})
	}
	t.Run("Receive refuses it", func(t *testing.T) {
		server, _ := nettest.Pair(t)
		_, err := Receive(t.Context(), nettest.PatternFile(t, 0), server, 0, 1, &Options{Method: TransmitFile})
		if e := (*Error)(nil); !errors.As(err, &e) || e.Side != Caller {
			t.Errorf("error %v, want one of the caller", err)
		}
	})
}

// A transmission reports nothing before it is done. So if there is a timeout, and
// the system cannot report progress either, each call must be short.
func TestTransmitFileCallsAreShortWhereProgressIsUnknown(t *testing.T) {
	const size, chunk = 300_000, 100_000
	for _, tt := range []struct {
		name    string
		known   bool
		timeout time.Duration
		want    int // the largest call
	}{
		{"no timeout", false, 0, chunk},
		{"progress is known", true, time.Minute, chunk},
		{"progress is unknown", false, time.Minute, maxUnobserved},
	} {
		t.Run(tt.name, func(t *testing.T) {
			largest := 0
			k := transmitKernel(t, hookedTransmission{beforeStart: func(_ int64, n int) error {
				largest = max(largest, n)
				return nil
			}})
			k.acked = func(uintptr) (int64, error) {
				if tt.known {
					return 0, nil
				}
				return 0, errors.ErrUnsupported
			}
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			res, err := send(t.Context(), server, nettest.PatternFile(t, size), 0, -1, &Options{Method: TransmitFile, Chunk: chunk, Timeout: tt.timeout}, k)
			if err != nil || largest != tt.want {
				t.Errorf("%+v, %v with calls of %d bytes at most, want %d", res, err, largest, tt.want)
			}
			_ = server.Close()
			<-got
		})
	}
}

// During a long call, the peer stalls only if it acknowledges nothing.
func TestTransmitFileWaitsForAPeerThatTakesSomething(t *testing.T) {
	const timeout = 500 * time.Millisecond
	for _, tt := range []struct {
		name  string
		takes int64 // bytes acknowledged between two checks
		looks int   // number of checks until the peer stops
		want  time.Duration
	}{
		{"nothing", 0, 100, timeout},
		{"the probes of a full window", 1, 100, timeout},
		{"a little, then nothing", 1000, 4 * stallChecks, 5 * timeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := transmitKernel(t, hookedTransmission{})
			var acked int64
			looks := 0
			k.acked = func(uintptr) (int64, error) {
				if looks++; looks > 2 && looks <= 2+tt.looks { // two checks come before the first wait
					acked += tt.takes
				}
				return acked, nil
			}
			server, client := nettest.Pair(t)
			nettest.SmallBuffers(t, server, 8<<10)
			nettest.SmallBuffers(t, client, 8<<10)
			begin := time.Now()
			res, err := send(t.Context(), server, nettest.PatternFile(t, 4<<20), 0, -1, &Options{Method: TransmitFile, Timeout: timeout, Chunk: 4 << 20}, k)
			var e *Error
			if !errors.As(err, &e) || !e.Timeout() || e.Side != Peer {
				t.Errorf("%+v, %v, want a timeout of the peer", res, err)
			}
			// The imitation needs another closeCheckInterval, as wine may, and a busy machine more.
			if took := time.Since(begin); took < tt.want || took > tt.want*11/10+closeCheckInterval+timeout*3/4 {
				t.Errorf("took %v, want %v", took, tt.want)
			}
		})
	}
}

func TestTransmitFileThatCompletesBeforeCancellationSucceeds(t *testing.T) {
	const size = 1000
	ctx, cancel := context.WithCancel(t.Context())
	k := transmitKernel(t, hookedTransmission{changeResult: func(n int, err error) (int, error) {
		cancel()
		return n, err
	}})
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	if res, err := send(ctx, server, nettest.PatternFile(t, size), 0, size, &Options{Method: TransmitFile}, k); err != nil || res.Sent != size {
		t.Errorf("%+v, %v, want %d bytes", res, err, size)
	}
	_ = server.Close()
	<-got
}
