package inspect

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/metrics"
)

func TestProcinfoText(t *testing.T) {
	started := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	info := &Process{
		PID: 4711, Name: "sl\nuice", Parent: &processID{1, ""}, Exe: "/usr/bin/sluice", Args: []string{"sluice", "serve", "a b"},
		Started: &started, User: "www", UIDs: &ids{33, 34, 35}, State: "sleeping",
		CPU:    &cpuInfo{User: 60, System: 30.5, ChildUser: new(1.25)},
		Memory: &memoryInfo{RSS: 61_200_000, VMS: 1_770_000_000, USS: new(uint64(40_000_000)), Percent: new(0.75)},
		IO:     &ioInfo{ReadBytes: new(uint64(0))}, Faults: &faultInfo{12, 3}, Switches: &switchesInfo{8, 9}, Threads: new(7), FDs: new(12),
		Children:    []processID{{4712, "child"}},
		OpenFiles:   []fileInfo{{FD: 3, Path: "/srv/\x1b[2J"}},
		Connections: []SocketRow{{Protocol: "tcp", Local: "0.0.0.0:80", State: "LISTEN"}},
		ThreadTimes: []threadInfo{{4711, 1.5, 0}},
		Limits:      []limitInfo{{"nofile", new(uint64(1024)), nil}},
		Nice:        new(0), IONice: &ioNice{"best-effort", 4}, Affinity: []int{0, 1, 2, 5, 7, 8},
		Maps: []mapInfo{{Path: "/usr/bin/sl\nuice", Mappings: 2, Size: 3_000_000, RSS: 2_000_000, PSS: 1_000_000}, {Mappings: 1, Size: 1000}},
	}
	want := strings.Join([]string{
		`pid            4711`,
		`name           sl\nuice`,
		`parent         1 (-)`,
		`exe            /usr/bin/sluice`,
		`cmdline        sluice serve a b`,
		`started        2026-11-21 12:00:00`,
		`cpu-tspent     1:31`,
		`cpu-times      user=60.00 s, system=30.50 s, children-user=1.25 s`,
		`cpu-affinity   0-2,5,7-8`,
		`memory         rss=61.2 MB, vms=1.77 GB, uss=40.0 MB`,
		`memory %       0.75`,
		`I/O            read-bytes=0 B`,
		`page-faults    minor=12, major=3`,
		`ctx-switches   voluntary=8, involuntary=9`,
		`user           www`,
		`uids           real=33, effective=34, saved=35`,
		`status         sleeping`,
		`nice           0`,
		`ionice         class=best-effort, level=4`,
		`num-threads    7`,
		`num-fds        12`,
		`children        PID  NAME`,
		`               4712  child`,
		`open-files     FD  PATH`,
		`                3  /srv/\x1b[2J`,
		`connections    PROTO  LOCAL ADDR  REMOTE ADDR  STATUS`,
		`               tcp    0.0.0.0:80  -            LISTEN`,
		`threads         TID  USER  SYSTEM`,
		`               4711  1.50    0.00`,
		`res-limits     RLIMIT  SOFT       HARD`,
		`               nofile  1024  unlimited`,
		`memory-maps        RSS      PSS     SIZE  PATH`,
		`               2.00 MB  1.00 MB  3.00 MB  /usr/bin/sl\nuice`,
		`                   0 B      0 B  1.00 kB  [anon]`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, info.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestProcinfoSumsMappingsOfAFile(t *testing.T) {
	maps := []metrics.MemoryMap{
		{Start: 0, End: 10, Path: "/a", RSS: 1, PSS: 2, Swap: 3, SharedClean: 4, SharedDirty: 5, PrivateClean: 6, PrivateDirty: 7, Referenced: 8, Anonymous: 9},
		{Start: 10, End: 40, RSS: 50},
		{Start: 40, End: 60, Path: "/a", RSS: 10, PSS: 20, Swap: 30, SharedClean: 40, SharedDirty: 50, PrivateClean: 60, PrivateDirty: 70, Referenced: 80, Anonymous: 90},
	}
	want := []mapInfo{
		{Mappings: 1, Size: 30, RSS: 50},
		{Path: "/a", Mappings: 2, Size: 30, RSS: 11, PSS: 22, Swap: 33, SharedClean: 44, SharedDirty: 55, PrivateClean: 66, PrivateDirty: 77, Referenced: 88, Anonymous: 99},
	}
	if diff := cmp.Diff(want, sumMaps(maps)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	info := &Process{PID: 1, Maps: make([]mapInfo, maxMaps+3)}
	if text := info.String(); strings.Count(text, "[anon]") != maxMaps || !strings.HasSuffix(text, "and 3 more with less in RAM\n") {
		t.Errorf("got\n%s\nwant %d mappings and how many more there are", text, maxMaps)
	}
}

// Values that the system does not report have no line and no field.
func TestProcinfoLeavesOutUnknownValues(t *testing.T) {
	info := &Process{PID: 4711, Name: "x"}
	if got, want := info.String(), "pid            4711\nname           x\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, err := json.Marshal(info); err != nil || string(got) != `{"pid":4711,"name":"x"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestMemoryTable(t *testing.T) {
	all := []ProcessMemory{
		{PID: 7, User: "www", Name: "a", Args: []string{"/bin/a", "-b\n"}, USS: 1000, PSS: 2000, RSS: new(uint64(1_000_000))},
		{PID: 4711, Name: "renamed", USS: 15_300_000, PSS: 16_600_000, Swapped: 1000},
	}
	want := strings.Join([]string{
		` PID  User      USS      PSS     Swap      RSS  Cmdline`,
		`   7  www   1.00 kB  2.00 kB      0 B  1.00 MB  /bin/a -b\n`,
		`4711  -     15.3 MB  16.6 MB  1.00 kB        -  renamed`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, MemoryTable(all, 0)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for line := range strings.Lines(MemoryTable(all, 20)) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 20 {
			t.Errorf("got a line of %d columns, want at most 20: %q", n, line)
		}
	}
}
