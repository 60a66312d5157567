package metrics

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func TestHostValuesAfterFaultsAreRightOrAbsent(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, tree := range []string{"linux-5.10-amd64", "linux-6.1-arm64"} {
		h := recordedTree(t, tree)
		type truth struct {
			memory HostMemory
			swap   HostSwap
			cpus   CPUs
			lo     NetIO
		}
		var got truth
		act := func() error {
			var errs [4]error
			var nets map[string]NetIO
			got.memory, errs[0] = h.Memory()
			got.swap, errs[1] = h.Swap()
			got.cpus, errs[2] = h.CPUs()
			nets, errs[3] = h.netIO()
			got.lo = nets["lo"]
			return errors.Join(errs[:]...)
		}
		if err := act(); err != nil || !got.memory.Have.Has(HostLimit) || got.cpus.Quota == 0 || got.cpus.Physical == 0 || !got.swap.HaveMoved {
			t.Fatalf("got %+v and %v, want all", got, err)
		}
		want := got
		unlimited := want.memory
		unlimited.Limit, unlimited.LimitUsed, unlimited.Have = 0, 0, unlimited.Have&^HostLimit
		eachFault(t, act, func(errno syscall.Errno, err error) error {
			possible := slices.Contains([]HostMemory{want.memory, unlimited, {}}, got.memory) &&
				slices.Contains([]HostSwap{want.swap, {}}, got.swap) &&
				slices.Contains([]int{want.cpus.Logical, 0}, got.cpus.Logical) &&
				(slices.Contains([]int{want.cpus.Physical, 0}, got.cpus.Physical) || errno == unix.ENOENT) && // looks like a processor that is offline
				slices.Contains([]float64{want.cpus.Quota, 0}, got.cpus.Quota) &&
				slices.Contains([]NetIO{want.lo, {}}, got.lo)
			complete := got.memory.Total != 0 && got.cpus.Logical != 0 && got.lo != NetIO{}
			if !possible || err == nil && !complete || errno == unix.EINTR && got != want {
				return fmt.Errorf("got %+v and %w, want %+v", got, err, want)
			}
			return nil
		})
	}
}

func TestCountersOfTheHostAfterFaultsAreRightOrAnError(t *testing.T) {
	nettest.CheckLeaks(t)
	h := hostWithUtmp(t, utmpLayouts[0])
	if err := os.Mkdir(filepath.Join(h.Proc, "net"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"stat": "cpu  1 2 3 4\n", "net/netstat": "TcpExt: ListenOverflows ListenDrops\nTcpExt: 5 6\n"} {
		if err := os.WriteFile(filepath.Join(h.Proc, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		read func() (int, error) // returns a value
		want int
	}{
		{"processors", func() (int, error) { c, err := h.CPU(); return int(c.Total.Idle / tick), err }, 4},
		{"tcp", func() (int, error) { c, err := h.TCP(); return int(c.ListenDrops), err }, 6},
		{"users", func() (int, error) { u, err := h.Users(); return len(u), err }, len(loggedIn)},
	} {
		got := 0
		eachFault(t, func() (err error) { got, err = tt.read(); return err }, func(errno syscall.Errno, err error) error {
			if err == nil && got != tt.want || err != nil && got != 0 || errno == unix.EINTR && err != nil {
				return fmt.Errorf("%s: got %d and %w, want %d", tt.name, got, err, tt.want)
			}
			return nil
		})
	}
}

// After a fault DiskPart may be absent, but Part must not be wrong.
func TestDisksAfterFaultsAreNotMistakenForPartitions(t *testing.T) {
	nettest.CheckLeaks(t)
	h := tree(t, "linux-6.6")
	var got []DiskIO
	eachFault(t, func() (err error) { got, err = h.Disks(); return err }, func(errno syscall.Errno, err error) error {
		if err != nil || errno == unix.ENOENT { // ENOENT means that this is a partition
			return nil
		}
		for i, part := range []bool{false, true} {
			if d := got[i]; d.Have.Has(DiskPart) && d.Part != part || !d.Have.Has(DiskPart) && (d.Part || errno == unix.EINTR) {
				return fmt.Errorf("got %+v, want partition: %v", d, part)
			}
		}
		return nil
	})
}
