package live

import (
	"testing"
	"time"
)

func TestStopwatch(t *testing.T) {
	var w stopwatch
	read := func(at, want time.Duration) {
		t.Helper()
		if got := w.read(at); got != want {
			t.Errorf("at %d got %d, want %d", at, got, want)
		}
	}
	read(5, 0)
	w.start(0)
	read(0, 0)
	read(7, 7)
	w.stop(10)
	read(10, 10)
	w.start(10) // at once: the sum is the whole time
	read(10, 10)
	read(12, 12)
	w.stop(12)
	w.start(20)
	read(19, 11) // a reader may have read the clock before the start
	read(25, 17)
	w.stop(30)
	read(99, 22)
}
