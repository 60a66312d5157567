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

// faults are the errors with which each system call of a transfer fails once.
var faults = []syscall.Errno{
	syscall.EINTR, syscall.EAGAIN, syscall.ENOSYS, syscall.EINVAL, syscall.ECONNRESET, syscall.EIO,
}

// wantSide returns the side that an errno of the named call must be reported
// with, or succeeds if the transfer must succeed nevertheless.
func wantSide(call string, errno syscall.Errno) (side sendfile.Side, succeeds bool) {
	switch {
	case errno == syscall.EINTR || errno == syscall.EAGAIN:
		return 0, true
	case call == "read" || call == "write":
		return sendfile.Peer, false
	case call == "pread" || call == "pwrite":
		return sendfile.File, false
	case errno == syscall.ENOSYS || errno == syscall.EINVAL:
		return 0, true // the method does not work here: copy
	case call == "splice in":
		return sendfile.Peer, false
	case call == "sendfile" && errno == syscall.ECONNRESET:
		return sendfile.Peer, false
	}
	return sendfile.File, false
}

// faultyRun runs a transfer on a kernel with faults. It returns the results, and
// the SHA-256 of the bytes that arrived.
type faultyRun func(t *testing.T, f *sendfile.Faults) (res sendfile.Result, arrived [32]byte, err error)

// eachFault calls run for each method and fault, and for the nth call of the
// transfer for every n. A transfer moves n bytes at off.
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
							t.Fatal("the transfer made no call that could fail")
						}
						if err != nil || res.Sent != n {
							t.Fatalf("without a fault: %+v, %v", res, err)
						}
						return // every call has failed once
					}
					if (f.Failed == "pread" || f.Failed == "pwrite") && (errno == syscall.EINTR || errno == syscall.EAGAIN) {
						continue // package os never returns them from a file
					}
					side, succeeds := wantSide(f.Failed, errno)
					switch {
					case succeeds && (err != nil || res.Sent != n):
						t.Errorf("call %d, %s: %+v, %v, want all of %d bytes", nth, f.Failed, res, err, n)
					case !succeeds && (!errors.Is(err, errno) || sideOf(t, err) != side):
						t.Errorf("call %d, %s: %+v, %v, want %v from the %v", nth, f.Failed, res, err, errno, side)
					}
					var e *sendfile.Error
					if errors.As(err, &e) && e.Offset != off+res.Sent {
						t.Errorf("call %d, %s: the error is at offset %d, want %d", nth, f.Failed, e.Offset, off+res.Sent)
					}
					if arrived != nettest.PatternSum(off, res.Sent) {
						t.Errorf("call %d, %s: the bytes that arrived are not the %d that were reported", nth, f.Failed, res.Sent)
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
			// The socket is ready all the time, so after an injected EAGAIN the
			// poller would not wake the transfer. A packet from the peer does.
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
	const n = 50_000 // fits the receive buffer, so the end of the stream arrives too
	eachFault(t, 0, n, []sendfile.Method{sendfile.Splice, sendfile.Copy}, func(method sendfile.Method) faultyRun {
		return func(t *testing.T, f *sendfile.Faults) (sendfile.Result, [32]byte, error) {
			server, client := nettest.Pair(t)
			// After an injected EAGAIN the end of the stream wakes the transfer.
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
		t.Errorf("the peer got %d bytes of other content", g.N)
	}
}
