package bench

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen returns a Progress on a terminal of that many columns, whose clock
// moves ten seconds with each look.
func screen(columns int) (*Progress, *bytes.Buffer) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	p := NewProgress(&b)
	p.width = func() int { return columns }
	p.now = func() time.Time {
		now = now.Add(10 * time.Second)
		return now
	}
	return p, &b
}

func TestProgressRewritesOneLine(t *testing.T) {
	p, b := screen(60)
	p.Step(0, 4, "sendfile size=1MiB clients=16")
	p.Step(1, 4, "rw-8k")
	p.Done()
	want := "\r0 of 4: sendfile size=1MiB clients=16" +
		"\r1 of 4, 30s left: rw-8k" + strings.Repeat(" ", 14) +
		"\r" + strings.Repeat(" ", 23) + "\r"
	if got := b.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.Done()
	if got := b.String(); got != want {
		t.Errorf("a second Done wrote %q, want nothing", got[len(want):])
	}
}

func TestProgressIsCutToTheTerminal(t *testing.T) {
	for _, columns := range []int{1, 2, 10, 20} {
		p, b := screen(columns)
		p.Step(0, 4, "a name that is\x1b[2J longer than the line\n")
		p.Step(1, 4, "a")
		p.Done()
		for part := range strings.SplitSeq(b.String(), "\r") {
			if n := len([]rune(part)); n >= columns {
				t.Errorf("%d columns: wrote %q, which is %d", columns, part, n)
			}
		}
		if strings.ContainsAny(b.String(), "\x1b\n") {
			t.Errorf("%d columns: wrote control characters: %q", columns, b)
		}
	}
}

func TestProgressInALogIsALineForEachTenth(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b)
	for i := range 1000 {
		p.Step(i, 1000, "x")
	}
	p.Done()
	if got := strings.Count(b.String(), "\n"); got != 10 {
		t.Errorf("got %d lines, want 10:\n%s", got, &b)
	}
	if strings.Contains(b.String(), "\r") {
		t.Errorf("got a carriage return in a log: %q", &b)
	}
}

func TestProgressTakesStepsFromSeveralGoroutines(t *testing.T) {
	p := NewProgress(new(bytes.Buffer))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			p.Step(i, 0, "x")
			p.Done()
		})
	}
	wg.Wait()
}
