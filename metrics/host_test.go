package metrics

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// isAvailable reports whether err is nil, and fails the test if it is not, unless
// the error is errors.ErrUnsupported on a platform that gopsutil lacks.
func isAvailable(t *testing.T, what string, err error) bool {
	t.Helper()
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd", "windows":
	default:
		if errors.Is(err, errors.ErrUnsupported) {
			return false
		}
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return err == nil
}

func TestHostValuesArePlausible(t *testing.T) {
	var h Host
	if m, err := h.Memory(); isAvailable(t, "memory", err) && (m.Total == 0 || m.Available > m.Total || m.Used+m.Available != m.Total) {
		t.Errorf("memory: got %+v", m)
	}
	// Wine lacks the counters that gopsutil reads.
	if s, err := h.Swap(); !nettest.OnWine() && isAvailable(t, "swap", err) && s.Used > s.Total {
		t.Errorf("swap: got %+v", s)
	}
	if c, err := h.CPUs(); isAvailable(t, "processors", err) && (c.Logical < 1 || c.Physical > c.Logical || c.Quota < 0) {
		t.Errorf("processors: got %+v", c)
	}
	if b, err := h.BootTime(); isAvailable(t, "boot", err) && (time.Since(b) <= 0 || time.Since(b) > 20*365*24*time.Hour) {
		t.Errorf("boot: got %v", b)
	}
	all, err := h.Interfaces()
	if isAvailable(t, "interfaces", err) && !slices.ContainsFunc(all, func(i Interface) bool { return i.Flags&net.FlagLoopback != 0 && len(i.Addrs) > 0 }) {
		t.Errorf("interfaces: got %+v, want a loopback with an address", all)
	}
}

// Not each system has each reading, but what is there must be right.
func TestOtherHostValuesArePlausible(t *testing.T) {
	var h Host
	if c, err := h.CPU(); !nettest.OnWine() && isAvailable(t, "cpu", err) && (c.Total.Number != -1 || c.Total.Total() <= 0 || c.Total.Percent(c.Total.Busy()) > 100) {
		t.Errorf("cpu: got %+v", c)
	}
	for _, optional := range []struct {
		name string
		read func() error
	}{
		{"users", func() error { _, err := h.Users(); return err }},
		{"tcp", func() error { _, err := h.TCP(); return err }},
	} {
		if err := optional.read(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: got %v, want a value or errors.ErrUnsupported", optional.name, err)
		}
	}
}

func TestServicesExistOnWindowsOnly(t *testing.T) {
	services, err := Host{}.Services()
	if runtime.GOOS != "windows" {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, want errors.ErrUnsupported", err)
		}
		return
	}
	if err != nil || len(services) == 0 {
		t.Fatalf("got %d services and %v, want some", len(services), err)
	}
	if !slices.ContainsFunc(services, func(s Service) bool { return s.Path != "" && s.StartType != "" }) {
		t.Errorf("got %+v, want the path and the start type of some", services)
	}
	for _, s := range services {
		if s.Name == "" || s.Status == "running" && s.PID == 0 {
			t.Errorf("got %+v", s)
		}
	}
}
