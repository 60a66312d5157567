//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// lines collects the output of a process. It may be read while it is written.
type lines struct {
	mu    sync.Mutex // protects the fields below
	text  []byte
	grown chan struct{} // closed and replaced when text grows
	ended bool          // text will not grow any more
}

func newLines() *lines { return &lines{grown: make(chan struct{})} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	close(l.grown)
	l.grown = make(chan struct{})
	return len(p), nil
}

// end marks the end of the output.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	close(l.grown)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// whole returns the complete lines, without newlines, and a channel that is closed when
// there is more output, or nil after its end.
func (l *lines) whole() (all []string, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all = strings.Split(string(l.text), "\n")
	if !l.ended {
		more = l.grown
	}
	return all[:len(all)-1], more
}

// await waits for n lines for which wanted returns true. It returns all such lines, which
// are fewer than n after the time within or at the end of the output.
func (l *lines) await(n int, within time.Duration, wanted func(line string) bool) []string {
	expired := time.After(within)
	for {
		all, more := l.whole()
		found := slices.DeleteFunc(all, func(line string) bool { return !wanted(line) })
		if len(found) >= n || more == nil {
			return found
		}
		select {
		case <-more:
		case <-expired:
			return found
		}
	}
}

// logDelay is the longest time from a client's last byte to the log line.
const logDelay = 5 * time.Second

// wantLogged waits for a log line that has all these fields, such as "status=200".
func (s *server) wantLogged(fields ...string) {
	s.t.Helper()
	s.wantLoggedTimes(1, fields...)
}

// wantLoggedTimes waits for at least n such lines.
func (s *server) wantLoggedTimes(n int, fields ...string) {
	s.t.Helper()
	found := s.log.await(n, logDelay, func(line string) bool {
		has := strings.Fields(line)
		return !slices.ContainsFunc(fields, func(field string) bool { return !slices.Contains(has, field) })
	})
	if len(found) < n {
		s.t.Errorf("%d lines have %s, want %d; log:\n%s", len(found), strings.Join(fields, " "), n, s.log)
	}
}
