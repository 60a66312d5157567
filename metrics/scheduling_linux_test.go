package metrics

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"sluice/internal/nettest"
)

func TestSchedulingOfAProcessThatHasEnded(t *testing.T) {
	nettest.CheckLeaks(t)
	cmd := start(t, "idle")
	p := open(t, cmd.Process.Pid)
	if _, err := p.IOPriority(); err != nil {
		t.Errorf("while it runs: got %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	closed := open(t, 1)
	_ = closed.Close()
	for _, tt := range []struct {
		name string
		p    *Process
		want error
	}{{"ended", p, ErrNoProcess}, {"closed", closed, fs.ErrClosed}} {
		if got, err := tt.p.IOPriority(); !errors.Is(err, tt.want) || got != (IOPriority{}) {
			t.Errorf("%s: I/O priority: got %v and %v, want %v", tt.name, got, err, tt.want)
		}
		if got, err := tt.p.Affinity(); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: affinity: got %v and %v, want %v", tt.name, got, err, tt.want)
		}
		if got, err := tt.p.MemoryMaps(); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: memory maps: got %v and %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

// The system call knows only PIDs of our namespace.
func TestIOPriorityAtAProcElsewhereIsUnsupported(t *testing.T) {
	p, err := Host{Proc: "/proc"}.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got, err := p.IOPriority(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v and %v, want errors.ErrUnsupported", got, err)
	}
}

func TestAffinityHasOnlyProcessorsThatAreOnline(t *testing.T) {
	h := recordedTree(t, "linux-6.1-arm64")
	p, err := h.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got, err := p.Affinity(); err != nil || !slices.Equal(got, []int{0, 1}) {
		t.Errorf("got %v and %v, want 0 and 1", got, err)
	}
}

func TestNamesOfIOClasses(t *testing.T) {
	for class, want := range map[IOClass]string{IONone: "none", IORealtime: "realtime", IOBestEffort: "best-effort", IOIdle: "idle", 9: "unknown"} {
		if got := class.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
