package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

// differs returns an error if a group that is present in got differs from want, a
// snapshot of the same idle process, or if an absent group is not zero.
func differs(got, want Snapshot) error {
	for _, group := range []struct {
		field     Fields
		got, want any
	}{
		{FieldName, got.Name, want.Name},
		{FieldState, got.State, want.State},
		{FieldParent, got.Parent, want.Parent},
		{FieldThreads, got.Threads, want.Threads},
		{FieldFDs, got.FDs, want.FDs},
		{FieldCPU, got.CPU, want.CPU},
		{FieldMemory, got.Memory, want.Memory},
		{FieldIO, got.IO, want.IO},
		{FieldFaults, got.Faults, want.Faults},
		{FieldSwitches, got.Switches, want.Switches},
		{FieldOwner, got.Owner, want.Owner},
		{FieldFootprint, got.Footprint, want.Footprint},
	} {
		if !got.Have.Has(group.field) {
			group.want = reflect.Zero(reflect.TypeOf(group.got)).Interface()
		}
		if group.got != group.want {
			return fmt.Errorf("%v: got %+v (present: %v), want %+v", group.field, group.got, got.Have.Has(group.field), group.want)
		}
	}
	return nil
}

func TestReadAfterFaultsIsRightOrAbsent(t *testing.T) {
	nettest.CheckLeaks(t)
	h := recordedTree(t, "linux-6.1-arm64")
	pid := pidOf(t, h, "threads")
	truth := func() Snapshot {
		p, err := h.Open(pid)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		return snap(t, p, All)
	}()
	if truth.Have != All {
		t.Fatalf("got %v, want all", truth.Have)
	}
	var got Snapshot
	act := func() error {
		got = Snapshot{}
		p, err := h.Open(pid)
		if err != nil {
			return err
		}
		defer p.Close()
		return p.Read(&got, All)
	}
	eachFault(t, act, func(errno syscall.Errno, err error) error {
		if errno == unix.EINTR && got.Have != All {
			return fmt.Errorf("got %v and %w, want all", got.Have, err)
		}
		if err != nil && got.Have != 0 {
			return fmt.Errorf("got %v and %w, want either groups or an error", got.Have, err)
		}
		if errno == unix.ENOENT || errno == unix.ESRCH { // looks like a thread that has ended, whose switches are missing
			got.Have &^= FieldSwitches
			got.Switches = Switches{}
		}
		return differs(got, truth)
	})
	eachCorruption(t, act, func() error { return differs(got, truth) })
}

// Most groups of this process have two sources, so few are missing after a fault.
func TestReadOfSelfAfterFaultsIsRightOrAbsent(t *testing.T) {
	nettest.CheckLeaks(t)
	var got Snapshot
	act := func() error {
		p := Self()
		defer p.Close()
		return p.Read(&got, All)
	}
	if err := act(); err != nil || got.Have != All {
		t.Fatalf("got %v and %v, want all", got.Have, err)
	}
	truth := got
	eachFault(t, act, func(errno syscall.Errno, err error) error {
		if err != nil || !got.Have.Has(FieldCPU|FieldParent|FieldState) || errno == unix.EINTR && got.Have != All {
			return fmt.Errorf("got %v and %w, want at least the groups that need no file", got.Have, err)
		}
		for _, group := range []struct {
			field    Fields
			got      int // never 0 if the group is present
			possible bool
		}{
			{FieldName, len(got.Name), got.Name == truth.Name},
			{FieldParent, got.Parent, got.Parent == truth.Parent},
			{FieldThreads, got.Threads, true},
			{FieldFDs, got.FDs, got.FDs > truth.FDs-5}, // the handle itself may hold up to 5
			{FieldMemory, int(got.Memory.VMS), got.Memory.VMS > truth.Memory.VMS/2},
			{FieldIO, int(got.IO.ReadChars), got.IO.ReadChars >= truth.IO.ReadChars},
		} {
			if present := got.Have.Has(group.field); present != (group.got > 0) || present && !group.possible {
				return fmt.Errorf("%v: got %+v, want about %+v", group.field, got, truth)
			}
		}
		return nil
	})
}

// If /proc/self cannot be opened, the error must not be ErrNoProcess.
func TestSelfWithoutItsDirectory(t *testing.T) {
	nettest.CheckLeaks(t)
	kernelCountsFDs()
	for errno, want := range map[syscall.Errno]error{
		unix.ENOENT: errors.ErrUnsupported, unix.EACCES: fs.ErrPermission, unix.EMFILE: unix.EMFILE,
	} {
		injectError = func(string) syscall.Errno { return errno }
		p := Self()
		injectError = nil
		defer p.Close()
		var s Snapshot
		if err := p.Read(&s, FieldIO); !errors.Is(err, want) || errors.Is(err, ErrNoProcess) {
			t.Errorf("%v: got %v, want %v", errno, err, want)
		}
		if err := p.Read(&s, All); err != nil || !s.Have.Has(FieldCPU|FieldParent|FieldState) || s.Threads != 0 || s.FDs != 0 {
			t.Errorf("%v: got %+v and %v, want the groups that need no file", errno, s, err)
		}
		for name, call := range map[string]func() error{
			"Environ":   func() error { _, err := p.Environ(); return err },
			"Threads":   func() error { _, err := p.Threads(); return err },
			"OpenFiles": func() error { _, err := p.OpenFiles(); return err },
		} {
			if err := call(); !errors.Is(err, want) {
				t.Errorf("%v: %s: got %v, want %v", errno, name, err, want)
			}
		}
	}
}

func TestListsAfterFaultsAreCompleteOrAnError(t *testing.T) {
	nettest.CheckLeaks(t)
	h := recordedTree(t, "linux-6.1-arm64")
	p, err := h.Open(pidOf(t, h, "threads"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	self := Self()
	defer self.Close()
	gone := func(errno syscall.Errno) int { // how many look as if they had ended meanwhile
		if errno == unix.ENOENT || errno == unix.ESRCH {
			return 1
		}
		return 0
	}
	hidden := func(errno syscall.Errno) int { // how many look as if they were hidden or had ended
		if errno == unix.EACCES {
			return 1
		}
		return gone(errno)
	}
	for _, tt := range []struct {
		name    string
		list    func() (int, error)
		missing func(errno syscall.Errno) int // how many may be missing without an error
	}{
		{"processes", func() (n int, err error) {
			for _, e := range h.Processes() {
				if err = e; err == nil {
					n++
				}
			}
			return n, err
		}, hidden},
		{"threads", func() (int, error) { all, err := p.Threads(); return len(all), err }, gone},
		{"children", func() (int, error) {
			parent, err := h.Open(1)
			if err != nil {
				return 0, err
			}
			defer parent.Close()
			all, err := parent.Children()
			return len(all), err
		}, hidden},
		{"arguments", func() (int, error) {
			var s Snapshot
			err := p.Read(&s, FieldIdentity)
			return len(s.Identity.Args), err
		}, func(syscall.Errno) int { return 0 }},
		{"environment", func() (int, error) { all, err := p.Environ(); return len(all), err }, func(syscall.Errno) int { return 0 }},
		{"limits", func() (int, error) { all, err := p.Limits(); return len(all), err }, func(syscall.Errno) int { return 0 }},
		{"mappings", func() (int, error) { all, err := self.MemoryMaps(); return len(all), err }, func(syscall.Errno) int { return 0 }},
		{"processors", func() (int, error) { all, err := p.Affinity(); return len(all), err }, func(syscall.Errno) int { return 0 }},
		{"sockets", func() (int, error) { all, err := (Host{}).socketsOf(os.Getpid()); return len(all), err }, gone},
		{"open files", func() (int, error) { all, err := self.OpenFiles(); return len(all), err }, func(syscall.Errno) int { return 1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.Pair(t) // sockets
			nettest.PatternFile(t, 1)
			want, err := tt.list()
			if err != nil || want == 0 {
				t.Fatalf("got %d and %v, want some", want, err)
			}
			got := 0
			eachFault(t, func() (err error) { got, err = tt.list(); return err }, func(errno syscall.Errno, err error) error {
				if err == nil && (got < want-tt.missing(errno) || got > want) || errno == unix.EINTR && err != nil {
					return fmt.Errorf("got %d and %w, want %d", got, err, want)
				}
				return nil
			})
		})
	}
}
