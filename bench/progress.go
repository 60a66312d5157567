package bench

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// A Progress shows how far a run is. On a terminal it rewrites one line; elsewhere,
// in a log, it writes a line for each tenth. Its methods may be called from
// several goroutines.
type Progress struct {
	width func() int // of the terminal; nil: not a terminal
	now   func() time.Time

	mu    sync.Mutex // guards the fields below
	w     io.Writer
	begin time.Time // of the first step
	first int       // steps that were done then
	shown int       // columns of the line
	tenth int       // the last one in a log
	total int       // steps, when last called
}

// NewProgress returns a Progress that writes to w, which is a terminal if it is an
// *os.File of one. It ignores errors of w.
func NewProgress(w io.Writer) *Progress {
	p := &Progress{w: w, now: time.Now}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.width = func() int {
			columns, _, err := term.GetSize(int(f.Fd()))
			if err != nil || columns < 1 {
				return 80
			}
			return columns
		}
	}
	return p
}

// Step shows that done of total steps are over, and what is measured now. The
// remaining time is an estimate from the steps since the first call.
func (p *Progress) Step(done, total int, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begin.IsZero() {
		p.begin, p.first, p.tenth = p.now(), done, -1
	}
	if total > p.total { // say in a log that there is more to do
		p.tenth = min(p.tenth, done*10/max(total, 1)-1)
	}
	p.total = total
	line := fmt.Sprintf("%d of %d", done, total)
	if left, ok := p.remaining(done, total); ok {
		line += ", " + left + " left"
	}
	line += ": " + plain(what)
	if p.width == nil {
		if tenth := done * 10 / max(total, 1); tenth > p.tenth {
			p.tenth = tenth
			_, _ = fmt.Fprintln(p.w, line)
		}
		return
	}
	// The last column stays free: some terminals wrap when it is written.
	line = cut(line, p.width()-1)
	n := utf8.RuneCountInString(line)
	_, _ = fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, min(p.shown, p.width()-1)-n)))
	p.shown = n
}

// Done erases the line before other output. The next Step writes it again.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown > 0 {
		_, _ = fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", min(p.shown, p.width()-1)))
		p.shown = 0
	}
}

// remaining returns the remaining time. It is false before the second step.
func (p *Progress) remaining(done, total int) (string, bool) {
	if done <= p.first || done > total {
		return "", false
	}
	each := float64(p.now().Sub(p.begin)) / float64(done-p.first)
	return time.Duration(each * float64(total-done)).Round(time.Second).String(), true
}
