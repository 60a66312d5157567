//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// lines is what a process has said so far. It is written and read at the same
// time.
type lines struct {
	mu    sync.Mutex // guards the fields below
	text  []byte
	grown chan struct{} // closed when text grows, and replaced
	ended bool          // it will not grow any more
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

// end tells that there will be no more.
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

// whole returns the complete lines, without their ends, and a channel that is
// closed when there is more, nil if there will not be.
func (l *lines) whole() (all []string, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all = strings.Split(string(l.text), "\n")
	if !l.ended {
		more = l.grown
	}
	return all[:len(all)-1], more
}

// await waits until n lines are wanted ones, and returns them; or it returns
// those that there are when the time is over or no more can come.
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

// logDelay bounds the time from a client's last byte to the line of the log.
const logDelay = 5 * time.Second

// wantLogged waits for a line of the log that has all these fields, such as
// "status=200", whatever else it has.
func (s *server) wantLogged(fields ...string) {
	s.t.Helper()
	s.wantLoggedTimes(1, fields...)
}

// wantLoggedTimes waits for at least n such lines.
func (s *server) wantLoggedTimes(n int, fields ...string) {
	s.t.Helper()
	found := s.log.await(n, logDelay, func(line string) bool {
		there := strings.Fields(line)
		return !slices.ContainsFunc(fields, func(field string) bool { return !slices.Contains(there, field) })
	})
	if len(found) < n {
		s.t.Errorf("%d lines have %s, want %d; log:\n%s", len(found), strings.Join(fields, " "), n, s.log)
	}
}
