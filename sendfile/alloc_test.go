package sendfile_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

func TestSendAllocatesNothingAfterTheFirstOnAConnection(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	if fastMethod != sendfile.Sendfile {
		t.Skip("only the sendfile method allocates nothing")
	}
	server, client := nettest.Pair(t)
	f := nettest.PatternFile(t, 100_000)
	done := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, client); close(done) }()
	for name, src := range map[string]io.ReaderAt{"a file": f, "memory": bytes.NewReader(pattern(0, 100_000))} {
		for _, opt := range []*sendfile.Options{nil, {Timeout: time.Minute, Chunk: 10_000}} {
			for _, n := range []int64{-1, 1000} {
				send := func() {
					if _, err := sendfile.Send(context.Background(), server, src, 0, n, opt); err != nil {
						t.Fatal(err)
					}
				}
				if got := testing.AllocsPerRun(100, send); got != 0 {
					t.Errorf("%s, count %d, options %+v: %v allocations, want none", name, n, opt, got)
				}
			}
		}
	}
	_ = server.Close()
	<-done
}
