package nettest

import (
	"context"
	"crypto/sha256"
	"io"
	"runtime/pprof"
	"testing"
	"time"
)

// Got describes the bytes that a reader returned until its end.
type Got struct {
	N      int64    // bytes read
	SHA256 [32]byte // of these bytes
	Err    error    // of the last Read; nil for io.EOF
}

// Sum reads r to its end in a goroutine and then sends one Got on the channel. The
// goroutine ends with r, even if nothing receives from the channel. It does not close
// r. Its pprof label nettest.Sum is the name of the test.
func Sum(t testing.TB, r io.Reader) <-chan Got {
	got := make(chan Got, 1)
	go pprof.Do(t.Context(), pprof.Labels("nettest.Sum", t.Name()), func(context.Context) {
		sum(r, got)
	})
	return got
}

// sum reads r to its end and sends the result to got, which must be buffered.
func sum(r io.Reader, got chan<- Got) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	got <- Got{N: n, SHA256: [32]byte(h.Sum(nil)), Err: err}
}

// Trickle returns a reader of r that returns at most chunk bytes a call and waits for
// pause between calls, like a peer on a slow line.
func Trickle(r io.Reader, chunk int, pause time.Duration) io.Reader {
	return &trickle{r: r, chunk: chunk, pause: pause}
}

type trickle struct {
	r     io.Reader
	chunk int
	pause time.Duration
	begun bool // whether a call was made, so that the next one waits
}

func (tr *trickle) Read(p []byte) (int, error) {
	if tr.begun {
		time.Sleep(tr.pause)
	}
	tr.begun = true
	return tr.r.Read(p[:min(len(p), tr.chunk)])
}
