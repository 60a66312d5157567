package nettest

import (
	"context"
	"crypto/sha256"
	"io"
	"runtime/pprof"
	"testing"
	"time"
)

// Got is what a reader gave until its end.
type Got struct {
	N      int64    // bytes read
	SHA256 [32]byte // of these bytes
	Err    error    // what ended the reading, nil for io.EOF
}

// Sum reads r to its end in a goroutine and then delivers what it got, once,
// on the channel. It closes nothing: the goroutine ends when r does, even if
// nobody receives. Its pprof label nettest.Sum is the name of the test.
func Sum(t testing.TB, r io.Reader) <-chan Got {
	got := make(chan Got, 1)
	go pprof.Do(t.Context(), pprof.Labels("nettest.Sum", t.Name()), func(context.Context) {
		sum(r, got)
	})
	return got
}

// sum delivers what it read from r to got, which has room for it.
func sum(r io.Reader, got chan<- Got) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	got <- Got{N: n, SHA256: [32]byte(h.Sum(nil)), Err: err}
}

// Trickle returns a reader of r that gives at most chunk bytes a call and lets
// at least pause go by between two calls, like a peer on a thin line.
func Trickle(r io.Reader, chunk int, pause time.Duration) io.Reader {
	return &trickle{r: r, chunk: chunk, pause: pause}
}

type trickle struct {
	r     io.Reader
	chunk int
	pause time.Duration
	begun bool // the first call has been made, and so the next one waits
}

func (tr *trickle) Read(p []byte) (int, error) {
	if tr.begun {
		time.Sleep(tr.pause)
	}
	tr.begun = true
	return tr.r.Read(p[:min(len(p), tr.chunk)])
}
