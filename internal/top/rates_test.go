//go:build !aix

package top

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// A socket takes megabytes at once, so rates are averages of some seconds.
func TestRatesAreOfTheLastSeconds(t *testing.T) {
	d := &driver{t: t, server: new(fakeServer)}
	d.m = newModel(t.Context(), d.server, time.Second)
	d.send(tea.WindowSizeMsg{Width: 160, Height: 20})
	for second := range 12 {
		st := statusAfter(second)
		st.Totals.Bytes[0].Bytes = uint64(second/5) * 100e6 // every fifth second
		d.send(statusMsg{status: st})
		traffic, _, _ := strings.Cut(strings.Split(d.screen(), "\n")[1], "  ")
		if second >= 5 && traffic != "out 20.0 MB/s" {
			t.Errorf("after %d s: got %q, want 20.0 MB/s", second, traffic)
		}
	}
	if got := len(d.m.samples); got > 6 {
		t.Errorf("%d samples are kept, want 6 at most", got)
	}
	later := statusAfter(100) // after a pause
	later.Totals.Bytes[0].Bytes = 200e6 + 89e6
	d.send(statusMsg{status: later})
	if line := strings.Split(d.screen(), "\n")[1]; !strings.HasPrefix(line, "out 1.00 MB/s  ") {
		t.Errorf("after a pause: got %q, want 1.00 MB/s", line)
	}
}

// After a restart the totals begin again: there are no rates across it.
func TestRestartedServerHasNoRates(t *testing.T) {
	d := newDriver(t, 160, 20)
	if got := d.screen(); !strings.Contains(got, "98.0 MB/s") || !strings.Contains(got, "CPU 25.0%") || !strings.Contains(got, "7/s") {
		t.Errorf("no rates before the restart:\n%s", got)
	}
	st := statusAfter(21)
	st.Server.PID++
	d.send(statusMsg{status: st})
	if lines := strings.Split(d.screen(), "\n"); strings.Contains(lines[0]+lines[1], "/s") || strings.Contains(lines[0], "%") {
		t.Errorf("rates across the restart:\n%s\n%s", lines[0], lines[1])
	}
}
