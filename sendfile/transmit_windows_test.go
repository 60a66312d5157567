package sendfile

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/pprof"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"sluice/internal/nettest"
)

// For a file that is open for overlapped calls package os keeps the position; for
// any other file Windows does.
func TestTransmitFileOfFilesOpenedEitherWay(t *testing.T) {
	const off, size = 5000, 300_000
	name := nettest.PatternFile(t, size).Name()
	for _, tt := range []struct {
		name string
		flag int
	}{{"plain", os.O_RDONLY}, {"overlapped", os.O_RDONLY | windows.FILE_FLAG_OVERLAPPED}} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := os.OpenFile(name, tt.flag, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.Seek(77, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			server, client := nettest.Pair(t)
			got := nettest.Sum(t, client)
			res, err := Send(t.Context(), server, f, off, -1, &Options{Method: TransmitFile, Chunk: 50_000})
			if want := (Result{Sent: size - off, ZeroCopied: size - off, Method: TransmitFile}); err != nil || res != want {
				t.Errorf("Send = %+v, %v, want %+v", res, err, want)
			}
			_ = server.Close()
			if g := <-got; g.SHA256 != nettest.PatternSum(off, size-off) {
				t.Errorf("the peer got %d bytes of other content", g.N)
			}
			if now, err := f.Seek(0, io.SeekCurrent); err != nil || now != 77 {
				t.Errorf("the position is %d (%v), want 77 as before", now, err)
			}
		})
	}
}

// A thousand slow peers must not need a thousand threads.
func TestWaitingTransmissionsNeedNoThreads(t *testing.T) {
	const transmissions, spare = 100, 50
	f := nettest.PatternFile(t, 4<<20)
	ctx, cancel := context.WithCancel(t.Context())
	before := pprof.Lookup("threadcreate").Count()
	var running sync.WaitGroup
	for range transmissions {
		server, client := nettest.Pair(t)
		nettest.SmallBuffers(t, server, 8<<10)
		nettest.SmallBuffers(t, client, 8<<10)
		running.Go(func() {
			if _, err := Send(ctx, server, f, 0, -1, &Options{Method: TransmitFile}); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want the cancellation", err)
			}
		})
		if _, err := client.Read(make([]byte, 1)); err != nil { // the transmission is under way
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond) // gives each transmission time to block a thread
	if threads := pprof.Lookup("threadcreate").Count() - before; threads > spare {
		t.Errorf("%d threads for %d transmissions", threads, transmissions)
	}
	cancel()
	running.Wait()
}

var getProcessHandleCount = kernel32.NewProc("GetProcessHandleCount")

func TestTransmissionsLeaveNoHandles(t *testing.T) {
	handles := func() (n uint32) {
		if ok, _, err := getProcessHandleCount.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&n))); ok == 0 {
			t.Fatal(err)
		}
		return n
	}
	f := nettest.PatternFile(t, 100_000)
	server, client := nettest.Pair(t)
	got := nettest.Sum(t, client)
	var before uint32
	for i := range 200 {
		if i == 100 { // handles that are made only once exist by now
			before = handles()
		}
		if _, err := Send(t.Context(), server, f, 0, -1, &Options{Method: TransmitFile, Timeout: time.Minute}); err != nil {
			t.Fatal(err)
		}
	}
	if after := handles(); after > before+20 {
		t.Errorf("%d handles after 100 transfers, %d before", after, before)
	}
	_ = server.Close()
	<-got
}
