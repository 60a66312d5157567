package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/live"
)

// target is a writer that may hang, and fail. The zero value does neither.
type target struct {
	hang   chan struct{} // if not nil, writes wait until it is closed
	writes atomic.Int32

	mu   sync.Mutex // guards the fields below
	got  strings.Builder
	err  error
	room int // bytes that it takes before it fails with err
}

func (o *target) Write(p []byte) (n int, err error) {
	if o.hang != nil {
		<-o.hang
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes.Add(1)
	if o.err == nil {
		return o.got.Write(p)
	}
	n, _ = o.got.Write(p[:min(o.room, len(p))])
	o.room -= n
	return n, o.err
}

// take returns what was written since the last call.
func (o *target) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.got.Reset()
	return o.got.String()
}

func newTestWriter(out *target) *writer {
	return &writer{w: out, lossLine: func(n int) []byte { return fmt.Appendf(nil, "<%d>\n", n) }}
}

func (w *writer) addText(s string) { w.add(func(b []byte) []byte { return append(b, s...) }) }

func TestLinesAreWrittenTogetherAfterAShortDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out target
		w := newTestWriter(&out)
		w.addText("one\n")
		w.addText("two\n")
		synctest.Wait()
		if out.writes.Load() != 0 {
			t.Errorf("%d writes before the delay, want none", out.writes.Load())
		}
		time.Sleep(maxDelay)
		synctest.Wait()
		if got := out.take(); out.writes.Load() != 1 || got != "one\ntwo\n" {
			t.Errorf("%d writes of %q, want one of both lines", out.writes.Load(), got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if out.writes.Load() != 1 {
			t.Errorf("%d writes, want no more: no line waits", out.writes.Load())
		}

		w.addText("three\n")
		if _, err := w.Write([]byte("four\n")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := out.take(); out.writes.Load() != 2 || got != "three\nfour\n" {
			t.Errorf("%d writes of %q, want the message written at once, after the lines that wait", out.writes.Load(), got)
		}
		w.addText(strings.Repeat("x", maxBytes-1) + "\n")
		synctest.Wait()
		if out.writes.Load() != 3 {
			t.Errorf("%d writes, want a full buffer written at once", out.writes.Load())
		}
	})
}

func TestATargetThatHangsStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := target{hang: make(chan struct{})}
		w := newTestWriter(&out)
		begun := time.Now()
		line := strings.Repeat("x", 1023) + "\n"
		_, _ = w.Write([]byte("first\n")) // hangs in the goroutine that writes
		synctest.Wait()
		const fit, more = maxQueue / 1024, 7
		for range fit + more {
			w.addText(line)
		}
		_, _ = w.Write([]byte("a message has room\n"))
		w.addText(line)
		if got := time.Since(begun); got != 0 {
			t.Errorf("lines and messages have waited for %v", got)
		}
		w.flush()
		if got := time.Since(begun); got != maxFlush {
			t.Errorf("flush has waited for %v, want %v", got, maxFlush)
		}
		if got := w.losses(); got != more+1 {
			t.Errorf("%d lines were dropped, want %d", got, more+1)
		}
		if most := len(w.lines); most > maxQueue+reserve {
			t.Errorf("%d bytes wait", most)
		}
		close(out.hang)
		w.flush()
		_, _ = w.Write([]byte("last\n"))
		w.flush()
		want := "first\n" + strings.Repeat(line, fit) + "a message has room\n<8>\nlast\n"
		if got := out.take(); got != want {
			t.Errorf("got %d bytes, want %d: the lines in their order, and where some are missing, how many; the end is %q", len(got), len(want), got[max(len(got)-60, 0):])
		}
	})
}

func TestTheReserveOfMessagesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := target{hang: make(chan struct{})}
		w := newTestWriter(&out)
		_, _ = w.Write([]byte("first\n"))
		synctest.Wait()
		message := []byte(strings.Repeat("x", 1023) + "\n")
		for range 2 * (maxQueue + reserve) / len(message) {
			_, _ = w.Write(message)
		}
		if got := len(w.lines); got != maxQueue+reserve {
			t.Errorf("%d bytes wait, want %d", got, maxQueue+reserve)
		}
		close(out.hang)
		w.flush()
	})
}

func TestLinesThatCannotBeWrittenAreCounted(t *testing.T) {
	full := errors.New("disk full")
	for _, tt := range []struct {
		name string
		room int
		want string
		lost uint64
	}{
		{"all of them", 0, "<3>\nfour\n", 3},
		{"all but the first", len("one\n"), "one\n<2>\nfour\n", 2},
		{"all but the first, and the second is written in two parts", len("one\ntw"), "one\ntwo\n<1>\nfour\n", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := target{err: full, room: tt.room}
				w := newTestWriter(&out)
				w.addText("one\ntwo\nthree\n")
				w.flush()
				out.mu.Lock()
				out.err = nil
				out.mu.Unlock()
				w.addText("four\n")
				w.flush()
				if diff := cmp.Diff(tt.want, out.take()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if got := w.losses(); got != tt.lost {
					t.Errorf("%d lines are lost, want %d", got, tt.lost)
				}
			})
		})
	}
}

func TestLossesAddUpAsLongAsTheTargetFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := target{err: errors.New("no reader")}
		w := newTestWriter(&out)
		for range 5 {
			w.addText("line\n")
			w.flush()
		}
		if out.writes.Load() != 5 {
			t.Errorf("%d writes, want one for each flush", out.writes.Load())
		}
		out.mu.Lock()
		out.room = len("<5>\nla")
		out.mu.Unlock()
		w.addText("last\n")
		w.flush() // fails within the line
		w.addText("lost\n")
		w.flush() // fails before it
		out.mu.Lock()
		out.err = nil
		out.mu.Unlock()
		w.addText("new\n")
		w.flush()
		if diff := cmp.Diff("<5>\nlast\n<1>\nnew\n", out.take()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := w.losses(); got != 6 {
			t.Errorf("%d lines are lost, want 6", got)
		}
	})
}

func TestTheLogSaysHowManyLinesAreMissing(t *testing.T) {
	for format, want := range map[string]string{
		"text": `level=WARN msg="lines were dropped because the log could not be written" lines=1`,
		"json": `"level":"WARN","msg":"lines were dropped because the log could not be written","lines":1}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			out := target{err: errors.New("disk full")}
			log := New(&out, format)
			log.Record(live.Record{Op: "GET", Target: "/lost"})
			log.Flush()
			out.mu.Lock()
			out.err = nil
			out.mu.Unlock()
			log.Record(live.Record{Op: "GET", Target: "/next"})
			log.Flush()
			lines := bytes.Split([]byte(out.take()), newline)
			if len(lines) != 3 || !strings.Contains(string(lines[0]), want) || !strings.Contains(string(lines[1]), "/next") {
				t.Errorf("%s: got %q", format, lines)
			}
			if got := log.Dropped(); got != 1 {
				t.Errorf("%s: %d lines were dropped, want 1", format, got)
			}
		})
	}
}
