package metrics

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"sluice/internal/nettest"
)

// tree returns a host with the proc and sys trees of a txtar archive in testdata.
func tree(t *testing.T, name string) Host {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := nettest.TempDir(t)
	for _, f := range archive.Files {
		to := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Host{Proc: filepath.Join(dir, "proc"), Sys: filepath.Join(dir, "sys")}
}

func TestHostsOfOtherKernels(t *testing.T) {
	for _, tt := range []struct {
		name   string
		memory HostMemory
		swap   HostSwap
		cpus   CPUs
		disks  []DiskIO
		lo     NetIO
	}{
		{
			"linux-3.2",
			HostMemory{
				// MemAvailable as the kernel estimates it: free memory, caches minus the low
				// watermark of 5000 pages, slab minus the watermark, all minus the watermark.
				Total: 1_000_000 << 10, Available: (200_000+300_000+40_000)<<10 - 3*5000*pageSize, Free: 200_000 << 10,
				Used:    1_000_000<<10 - (540_000<<10 - 3*5000*pageSize),
				Buffers: 10_000 << 10, Cached: 300_000 << 10, Shared: 1000 << 10, Slab: 50_000 << 10, Dirty: 44 << 10,
				Limit: 256 << 20, LimitUsed: 1 << 20,
				Have: HostBuffers | HostCached | HostShared | HostSlab | HostDirty | HostLimit,
			},
			HostSwap{Total: 500_000 << 10, Used: 100_000 << 10, Free: 400_000 << 10, In: 7 * pageSize, Out: 9 * pageSize, HaveMoved: true},
			CPUs{Logical: 2, Physical: 1, Quota: 0.5},
			[]DiskIO{wholeDisk("sda"), partition("sda1"), wholeDisk("cciss/c0d0")},
			NetIO{RecvBytes: 1000, RecvPackets: 10, RecvErrors: 1, RecvDrops: 2, SentBytes: 3000, SentPackets: 30, SendErrors: 3, SendDrops: 4},
		},
		{
			"linux-6.6",
			HostMemory{
				Total: 8_000_000 << 10, Available: 6_000_000 << 10, Free: 1_000_000 << 10, Used: 2_000_000 << 10,
				Buffers: 10_000 << 10, Cached: 3_000_000 << 10, Shared: 1000 << 10, Slab: 50_000 << 10, Dirty: 44 << 10,
				Limit: 512 << 20, LimitUsed: 4096,
				Have: HostBuffers | HostCached | HostShared | HostSlab | HostDirty | HostLimit,
			},
			HostSwap{HaveMoved: true},
			CPUs{Logical: 4, Physical: 3, Quota: 1.5},
			[]DiskIO{wholeDisk("nvme0n1"), partition("nvme0n1p1")},
			NetIO{RecvBytes: 123456789012, RecvPackets: 10, RecvErrors: 1, RecvDrops: 2, SentBytes: 1<<64 - 1, SentPackets: 30, SendErrors: 3, SendDrops: 4},
		},
		{
			"lxcfs",
			HostMemory{Total: 1_000_000 << 10, Available: 700_000 << 10, Free: 700_000 << 10, Used: 300_000 << 10},
			HostSwap{},
			CPUs{Logical: 3},
			[]DiskIO{{Name: "sda1", Have: inDiskstats}},
			NetIO{},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := tree(t, tt.name)
			if got, err := h.Memory(); err != nil || got != tt.memory {
				t.Errorf("memory: got %+v and %v, want\n%+v", got, err, tt.memory)
			}
			if got, err := h.Swap(); err != nil || got != tt.swap {
				t.Errorf("swap: got %+v and %v, want\n%+v", got, err, tt.swap)
			}
			if got, err := h.CPUs(); err != nil || got != tt.cpus {
				t.Errorf("processors: got %+v and %v, want\n%+v", got, err, tt.cpus)
			}
			got, err := h.Disks()
			if err != nil || len(got) != len(tt.disks) {
				t.Fatalf("disks: got %+v and %v, want %d", got, err, len(tt.disks))
			}
			for i, want := range tt.disks {
				if got[i].Name != want.Name || got[i].Part != want.Part || got[i].Have != want.Have {
					t.Errorf("disk: got %+v, want %+v", got[i], want)
				}
			}
			if got, err := h.netIO(); err != nil || got["lo"] != tt.lo {
				t.Errorf("loopback: got %+v and %v, want\n%+v", got, err, tt.lo)
			}
		})
	}
}

const inDiskstats = DiskCounts | DiskMerged | DiskTimes | DiskBusy | DiskInFlight

func wholeDisk(name string) DiskIO { return DiskIO{Name: name, Have: inDiskstats | DiskPart} }

func partition(name string) DiskIO {
	return DiskIO{Name: name, Part: true, Have: inDiskstats | DiskPart}
}

func TestParseDisks(t *testing.T) {
	got := parseDisks([]byte("   8       0 sda 100 10 2048 500 200 20 4096 600 3 700 1100 1 2 3 4\n   8 16 sdb1 1 2 3 4\n 8 0 sdc a b c d e f g h i j k\n"))
	want := []DiskIO{{
		Name: "sda", Reads: 100, ReadMerged: 10, ReadBytes: 1 << 20, ReadTime: 500 * time.Millisecond,
		Writes: 200, WriteMerged: 20, WriteBytes: 2 << 20, WriteTime: 600 * time.Millisecond,
		InFlight: 3, Busy: 700 * time.Millisecond,
		Have: inDiskstats,
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestProcessesOfOtherKernels(t *testing.T) {
	nettest.CheckLeaks(t)
	memory := Memory{VMS: 3014 * pageSize, RSS: 500 * pageSize, Shared: 200 * pageSize, Text: 10 * pageSize, Data: 300 * pageSize, HaveParts: true}
	cpu := CPUTime{User: 1500 * time.Millisecond, System: 500 * time.Millisecond, ChildUser: 100 * time.Millisecond, ChildSystem: 50 * time.Millisecond, HaveChildren: true}
	for _, tt := range []struct {
		tree string
		pid  int
		want Snapshot
	}{
		{"linux-3.2", 1, Snapshot{
			ID: ProcessID{1, 4711}, Have: All &^ (FieldIO | FieldFootprint),
			Name: "init", State: Sleeping, Parent: 1, Threads: 1, FDs: 3, CPU: cpu, Memory: memory,
			Faults: Faults{300, 4}, Switches: Switches{1000, 20}, Owner: Owner{HaveIDs: true},
			Identity: Identity{Args: []string{"/sbin/init\n"}},
		}},
		{"linux-6.6", 2, Snapshot{
			ID: ProcessID{2, 5}, Have: All &^ (FieldFDs | FieldFootprint),
			Name: "kworker/u8:3-events_unbound", State: Idle, Parent: 1, Threads: 1,
			CPU:    CPUTime{System: 500 * time.Millisecond, ChildUser: 100 * time.Millisecond, ChildSystem: 50 * time.Millisecond, HaveChildren: true},
			Memory: Memory{HaveParts: true}, IO: IO{Have: IOChars | IOOps | IOBytes},
			Switches: Switches{5, 0}, Owner: Owner{HaveIDs: true},
		}},
		{"linux-6.6", 77, Snapshot{
			ID: ProcessID{77, 99}, Have: All,
			Name: "a) R 9 (b", State: Sleeping, Parent: 1, Threads: 2, FDs: 1, CPU: cpu, Memory: memory,
			IO:     IO{ReadChars: 11, WriteChars: 12, ReadOps: 13, WriteOps: 14, ReadBytes: 15, WriteBytes: 16, Have: IOChars | IOOps | IOBytes},
			Faults: Faults{300, 4}, Switches: Switches{101, 202},
			Owner:     Owner{UID: 1000, EUID: 1001, SavedUID: 1002, GID: 2000, EGID: 2001, SavedGID: 2002, HaveIDs: true},
			Identity:  Identity{Args: []string{"a) R 9 (b\n"}},
			Footprint: Footprint{USS: 1000 << 10, PSS: 1500 << 10, Swap: 12 << 10},
		}},
	} {
		p, err := tree(t, tt.tree).Open(tt.pid)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		got := snap(t, p, All)
		if got.Started.IsZero() {
			t.Errorf("%s, %d: no start time", tt.tree, tt.pid)
		}
		got.At, got.Started = time.Time{}, time.Time{}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s, %d: got\n%+v, want\n%+v", tt.tree, tt.pid, got, tt.want)
		}
	}
}

func TestProcessesOfATree(t *testing.T) {
	nettest.CheckLeaks(t)
	for name, want := range map[string][]int{"linux-3.2": {1}, "linux-6.6": {2, 77}, "lxcfs": nil} {
		var got []int
		for p, err := range tree(t, name).Processes() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p.ID().PID)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	h := tree(t, "linux-3.2")
	if _, err := h.Open(99); !errors.Is(err, ErrNoProcess) { // its directory is empty
		t.Errorf("got %v, want ErrNoProcess", err)
	}
	p, err := h.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var s Snapshot
	if err := p.Read(&s, FieldIO); !errors.Is(err, errors.ErrUnsupported) { // the process exists, its file io does not
		t.Errorf("got %+v and %v, want errors.ErrUnsupported", s, err)
	}
}

func TestThreadsOfATree(t *testing.T) {
	p, err := tree(t, "linux-6.6").Open(77)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := p.Threads()
	slices.SortFunc(got, func(a, b Thread) int { return a.ID - b.ID })
	want := []Thread{{77, 1470 * time.Millisecond, 480 * time.Millisecond}, {78, 30 * time.Millisecond, 20 * time.Millisecond}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v and %v, want %v", got, err, want)
	}
}

func TestAMissingHostTreeIsErrNotExist(t *testing.T) {
	h := Host{Proc: "/nowhere/proc", Sys: "/nowhere/sys"}
	for name, call := range map[string]func() error{
		"Open":       func() error { _, err := h.Open(1); return err },
		"Memory":     func() error { _, err := h.Memory(); return err },
		"Swap":       func() error { _, err := h.Swap(); return err },
		"CPUs":       func() error { _, err := h.CPUs(); return err },
		"Disks":      func() error { _, err := h.Disks(); return err },
		"Interfaces": func() error { _, err := h.Interfaces(); return err },
		"Processes": func() error {
			for _, err := range h.Processes() {
				return err
			}
			return nil
		},
	} {
		if err := call(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: got %v, want os.ErrNotExist", name, err)
		}
	}
}
