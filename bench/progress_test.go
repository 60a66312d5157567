package bench

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen returns a Progress on a terminal of that many columns, whose clock moves
// ten seconds with each call.
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

func TestProgressInALogSaysThatThereIsMoreToDo(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b)
	p.Step(0, 10, "x")
	p.Step(9, 10, "x")
	p.Step(10, 20, "more")
	p.Step(11, 20, "more")
	var begins []string
	for line := range strings.Lines(b.String()) {
		begins = append(begins, strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ':' })[0])
	}
	if want := []string{"0 of 10", "9 of 10", "10 of 20"}; !slices.Equal(begins, want) {
		t.Errorf("got lines for %q, want %q", begins, want)
	}
}

// Lines from several goroutines are whole: none is lost, and none is written into
// another.
func TestProgressTakesStepsFromSeveralGoroutines(t *testing.T) {
	const steps = 8
	line := regexp.MustCompile(`^([0-7]) of 8(, [0-9ms]+ left)?: x *$`)
	several := func(p *Progress) {
		var wg sync.WaitGroup
		for i := range steps {
			wg.Go(func() {
				p.Step(i, steps, "x")
				p.Done()
			})
		}
		wg.Wait()
	}
	t.Run("on a terminal", func(t *testing.T) {
		p, b := screen(60)
		several(p)
		seen := make(map[string]bool)
		for part := range strings.SplitSeq(b.String(), "\r") {
			if strings.Trim(part, " ") == "" { // an erased line
				continue
			}
			m := line.FindStringSubmatch(part)
			if m == nil || seen[m[1]] {
				t.Fatalf("got %q in %q, want each step once", part, b)
			}
			seen[m[1]] = true
		}
		if len(seen) != steps {
			t.Errorf("got %d steps, want %d: %q", len(seen), steps, b)
		}
		if !strings.HasSuffix(b.String(), " \r") {
			t.Errorf("got %q, want an erased line at the end", b)
		}
	})
	t.Run("in a log", func(t *testing.T) { // which has no line for an earlier step
		var b bytes.Buffer
		several(NewProgress(&b))
		last := ""
		for part := range strings.Lines(b.String()) {
			m := line.FindStringSubmatch(strings.TrimSuffix(part, "\n"))
			if m == nil || !strings.HasSuffix(part, "\n") || m[1] <= last {
				t.Fatalf("got %q after step %q, want the line of a later step", part, last)
			}
			last = m[1]
		}
		if last != "7" {
			t.Errorf("the last line is of step %q, want 7:\n%s", last, &b)
		}
	})
}
