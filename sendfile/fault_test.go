package sendfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// Each system call of a transfer fails once, with each of these.
var faults = []syscall.Errno{
	syscall.EINTR, syscall.EAGAIN, syscall.ENOSYS, syscall.EINVAL, syscall.ECONNRESET, syscall.EIO,
}

// wantSide is the side that errno of the named call lays the blame on, or
// none if the transfer must get over it.
func wantSide(call string, errno syscall.Errno) (side sendfile.Side, none bool) {
	switch {
	case errno == syscall.EINTR || errno == syscall.EAGAIN:
		return 0, true
	case call == "read" || call == "write":
		return sendfile.Peer, false
	case call == "pread" || call == "pwrite":
		return sendfile.File, false
	case errno == syscall.ENOSYS || errno == syscall.EINVAL:
		return 0, true // the method does not lead here: copy
	case call == "splice in":
		return sendfile.Peer, false
	case call == "sendfile" && errno == syscall.ECONNRESET:
		return sendfile.Peer, false
	}
	return sendfile.File, false
}

// A transfer runs on a kernel with a fault and returns what arrived.
type faultyRun func(t *testing.T, f *sendfile.Faults) (res sendfile.Result, arrived [32]byte, err error)

func eachFault(t *testing.T, off, n int64, methods []sendfile.Method, run func(method sendfile.Method) faultyRun) {
	for _, method := range methods {
		for _, errno := range faults {
			t.Run(fmt.Sprintf("%v/%v", method, errno), func(t *testing.T) {
				t.Parallel()
				for nth := int64(1); ; nth++ {
					f := &sendfile.Faults{Nth: nth, Err: errno}
					res, arrived, err := run(method)(t, f)
					if f.Calls.Load() < nth {
						if nth == 1 {
							t.Fatal("no call was made: this shows nothing")
						}
						if err != nil || res.Sent != n {
							t.Fatalf("without a fault: %+v, %v", res, err)
						}
						return // every call has failed once
					}
					if (f.Failed == "pread" || f.Failed == "pwrite") && (errno == syscall.EINTR || errno == syscall.EAGAIN) {
						continue // package os never returns them from a file
					}
					side, none := wantSide(f.Failed, errno)
					switch {
					case none && (err != nil || res.Sent != n):
						t.Errorf("call %d, %s: %+v, %v, want all of %d bytes", nth, f.Failed, res, err, n)
					case !none && (!errors.Is(err, errno) || sideOf(t, err) != side):
						t.Errorf("call %d, %s: %+v, %v, want %v from the %v", nth, f.Failed, res, err, errno, side)
					}
					var e *sendfile.Error
					if errors.As(err, &e) && e.Offset != off+res.Sent {
						t.Errorf("call %d, %s: the error is at offset %d, want %d", nth, f.Failed, e.Offset, off+res.Sent)
					}
					if arrived != nettest.PatternSum(off, res.Sent) {
						t.Errorf("call %d, %s: what arrived is not the %d bytes that were told", nth, f.Failed, res.Sent)
					}
				}
			})
		}
	}
}

func TestSendWithEachCallFailing(t *testing.T) {
	const off, n = 1000, 200_000
	eachFault(t, off, n, []sendfile.Method{sendfile.Auto, sendfile.Copy}, func(method sendfile.Method) faultyRun {
		return func(t *testing.T, f *sendfile.Faults) (sendfile.Result, [32]byte, error) {
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			// After a made-up EAGAIN nothing would wake the transfer, as the
			// socket is ready all the time: any packet from the peer does.
			f.Hook = func() {
				if f.Err == syscall.EAGAIN {
					_, _ = client.Write([]byte{0})
				}
			}
			src := nettest.PatternFile(t, off+n)
			res, err := sendfile.SendWithFaults(t.Context(), server, src, off, n, &sendfile.Options{Chunk: 30_000, Timeout: testTimeout, Method: method}, f)
			_ = src.Close()
			_ = server.CloseWrite()
			return res, (<-got).SHA256, err
		}
	})
}

func TestReceiveWithEachCallFailing(t *testing.T) {
	const n = 50_000 // fits the receive buffer, so that the end of the stream behind it arrives too
	eachFault(t, 0, n, []sendfile.Method{sendfile.Splice, sendfile.Copy}, func(method sendfile.Method) faultyRun {
		return func(t *testing.T, f *sendfile.Faults) (sendfile.Result, [32]byte, error) {
			server, client := nettest.Pair(t)
			// As above: the end of the stream wakes the transfer.
			sent := make(chan struct{})
			f.Hook = func() {
				if f.Err == syscall.EAGAIN {
					<-sent
					_ = client.CloseWrite()
				}
			}
			feed(client, n, func() { close(sent) })
			dst, err := os.Create(filepath.Join(nettest.TempDir(t), "dst"))
			if err != nil {
				t.Fatal(err)
			}
			defer dst.Close()
			res, err := sendfile.ReceiveWithFaults(t.Context(), dst, server, 0, n, &sendfile.Options{Chunk: 8_000, Timeout: testTimeout, Method: method}, f)
			sum := sumAt(t, dst, 0, res.Sent)
			_ = server.Close()
			return res, sum, err
		}
	})
}

// A kernel without the fast calls is not slower to understand: it copies, and
// says so from the first byte.
func TestWithoutTheFastMethodEverythingIsCopied(t *testing.T) {
	if fastMethod == sendfile.Copy {
		t.Skip("there is no fast path here")
	}
	const n = 100_000
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	src := nettest.PatternFile(t, n)
	res, err := sendfile.SendWithFaults(t.Context(), server, src, 0, -1, nil, &sendfile.Faults{Nth: 1, Err: syscall.ENOSYS})
	if err != nil || res != (sendfile.Result{Sent: n, Method: sendfile.Copy}) {
		t.Errorf("Send = %+v, %v, want %d bytes copied", res, err, n)
	}
	if g := received(t, server, got); g.SHA256 != nettest.PatternSum(0, n) {
		t.Errorf("the peer got %d other bytes", g.N)
	}
}
