package metrics

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

const statTail = " S 1 2 3 34818 -1 4194560 1000 2000 3 4 500 250 30 20 20 0 7 0 123456 104857600 2560 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n"

func TestParseStat(t *testing.T) {
	whole := func(name string) *stat {
		return &stat{
			pid: 42, name: []byte(name), state: Sleeping, parent: 1, tty: 34818,
			faults:  Faults{Minor: 1000, Major: 3},
			cpu:     CPUTime{User: 5 * time.Second, System: 2500 * time.Millisecond, ChildUser: 300 * time.Millisecond, ChildSystem: 200 * time.Millisecond, HaveChildren: true},
			threads: 7, start: 123456,
		}
	}
	for _, tt := range []struct {
		name, in string
		want     *stat // nil: parse fails
	}{
		{"a plain name", "42 (sluice)" + statTail, whole("sluice")},
		{"a name with a space", "42 (tmux: server)" + statTail, whole("tmux: server")},
		{"a name that looks like the rest", "42 (a) R 1 (b)" + statTail, whole("a) R 1 (b")},
		{"a name of parentheses", "42 ()))((()" + statTail, whole(")))(((")},
		{"a name with a newline", "42 (a\nb)" + statTail, whole("a\nb")},
		{"a name of invalid UTF-8", "42 (\xff\xfe)" + statTail, whole("\xff\xfe")},
		{"no name", "42 ()" + statTail, whole("")},
		{"the fields of Linux 2.6", "42 (sluice)" + statTail[:strings.Index(statTail, " 1 1 0")] + "\n", whole("sluice")},
		{"nothing", "", nil},
		{"no parentheses", "42 sluice S 1", nil},
		{"nothing behind the name", "42 (sluice)", nil},
		{"a state and nothing more", "42 (sluice) S", nil},
		{"a field short", "42 (sluice) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", nil},
		{"no PID", " (sluice)" + statTail, nil},
		{"a PID that is too large", "99999999999 (sluice)" + statTail, nil},
		{"a letter where a number should be", strings.Replace("42 (sluice)"+statTail, "123456", "12x456", 1), nil},
		{"a time beyond all clocks", strings.Replace("42 (sluice)"+statTail, " 500 ", " 999999999999999999 ", 1), nil},
		{"a number of more than 64 bits", strings.Replace("42 (sluice)"+statTail, " 500 ", " 99999999999999999999 ", 1), nil},
		{"a negative time", strings.Replace("42 (sluice)"+statTail, " 500 ", " -5 ", 1), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got stat
			ok := got.parse([]byte(tt.in))
			if tt.want == nil {
				if ok {
					t.Errorf("got %+v, want an error", got)
				}
				return
			}
			if !ok || !reflect.DeepEqual(got, *tt.want) {
				t.Errorf("got %v and\n%+v, want\n%+v", ok, got, *tt.want)
			}
		})
	}
}

func TestStatesOfAllKernels(t *testing.T) {
	for letter, want := range map[byte]State{
		'R': Running, 'S': Sleeping, 'D': DiskSleep, 'T': Stopped, 't': TracingStop, 'Z': Zombie,
		'X': Dead, 'x': Dead, 'I': Idle, 'P': Parked, 'K': Waking, 'W': Waking, '?': Unknown,
	} {
		if got := stateOf(letter); got != want {
			t.Errorf("%c: got %v, want %v", letter, got, want)
		}
	}
}

func TestParseMemoryOfAProcess(t *testing.T) {
	page := pageSize
	for _, tt := range []struct {
		name, in string
		want     Memory
		ok       bool
	}{
		{"a process", "1000 200 50 10 0 300 0\n", Memory{VMS: 1000 * page, RSS: 200 * page, Shared: 50 * page, Text: 10 * page, Data: 300 * page, HaveParts: true}, true},
		{"a thread of the kernel", "0 0 0 0 0 0 0\n", Memory{HaveParts: true}, true},
		{"cut off", "1000 200 50", Memory{}, false},
		{"nothing", "", Memory{}, false},
		{"pages beyond all memory", "18446744073709551615 1 1 1 1 1 1", Memory{}, false},
	} {
		var got Memory
		if ok := got.parse([]byte(tt.in)); ok != tt.ok || got != tt.want {
			t.Errorf("%s: got %+v and %v, want %+v and %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestParseIO(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     IO
	}{
		{
			"all", "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n",
			IO{ReadChars: 1, WriteChars: 2, ReadOps: 3, WriteOps: 4, ReadBytes: 5, WriteBytes: 6, Have: IOOps | IOChars | IOBytes},
		},
		{"no accounting of disks", "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\n", IO{ReadChars: 1, WriteChars: 2, ReadOps: 3, WriteOps: 4, Have: IOOps | IOChars}},
		{"half of a pair", "rchar: 1\nsyscr: 3\nsyscw: 4\n", IO{ReadOps: 3, WriteOps: 4, Have: IOOps}},
		{"nothing", "", IO{}},
		{"no numbers", "rchar: a\nwchar: b\n", IO{}},
	} {
		var got IO
		if ok := got.parse([]byte(tt.in)); got != tt.want || ok != (tt.want.Have != 0) {
			t.Errorf("%s: got %+v and %v, want %+v", tt.name, got, ok, tt.want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\ta\\nUid: 9\nUmask:\t0022\nState:\tS (sleeping)\nUid:\t1000\t1001\t1002\t1003\nGid:\t4294967295\t5\t6\t7\n" +
		"Groups:\t1 2 3 \nvoluntary_ctxt_switches:\t10\nnonvoluntary_ctxt_switches:\t20\n"
	var owner Owner
	if ok := owner.parse([]byte(status)); !ok {
		t.Error("owner: refused")
	}
	if want := (Owner{UID: 1000, EUID: 1001, SavedUID: 1002, GID: math.MaxUint32, EGID: 5, SavedGID: 6, HaveIDs: true}); owner != want {
		t.Errorf("owner: got %+v, want %+v", owner, want)
	}
	switches := Switches{Voluntary: 1, Involuntary: 2}
	if ok := switches.add([]byte(status)); !ok || switches != (Switches{Voluntary: 11, Involuntary: 22}) {
		t.Errorf("switches: got %+v and %v, want 11 and 22", switches, ok)
	}
	for _, in := range []string{"", "Uid:\t1\t2\n", "Uid:\t1\t2\t3\t4\n", "Uid: x", "Name:\tUid"} {
		if ok := owner.parse([]byte(in)); ok || owner.HaveIDs {
			t.Errorf("owner of %q: got %+v, want false", in, owner)
		}
		if switches.add([]byte(in)) {
			t.Errorf("switches of %q: want false", in)
		}
	}
}

func TestParseFootprint(t *testing.T) {
	const rollup = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:    5000 kB\nPss:    3000 kB\nPss_Dirty: 9 kB\nShared_Clean: 9 kB\n" +
		"Private_Clean:  100 kB\nPrivate_Dirty:  200 kB\nPrivate_Hugetlb: 10 kB\nSwap: 7 kB\nSwapPss: 9 kB\n"
	var got Footprint
	if ok := got.parse([]byte(rollup)); !ok || got != (Footprint{USS: 310 << 10, PSS: 3000 << 10, Swap: 7 << 10}) {
		t.Errorf("got %+v and %v", got, ok)
	}
	if got.parse([]byte("Pss: 1 kB\n")) {
		t.Errorf("got %+v of half a file, want false", got)
	}
}

func TestSplitStrings(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"arguments", "a\x00-b\x00c d\x00", []string{"a", "-b", "c d"}},
		{"an empty argument in the middle", "a\x00\x00b\x00", []string{"a", "", "b"}},
		{"an empty argument at the end", "a\x00\x00", []string{"a", ""}},
		{"no zero at the end, as of a program that renamed itself", "nginx: worker", []string{"nginx: worker"}},
		{"invalid UTF-8", "\xff\x00\xfe\x00", []string{"\xff", "\xfe"}},
		{"nothing, as of a thread of the kernel", "", nil},
	} {
		if got := splitStrings([]byte(tt.in)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTerminalNames(t *testing.T) {
	for device, want := range map[int]string{
		0: "", 4<<8 | 1: "/dev/tty1", 4<<8 | 65: "/dev/ttyS1", 136 << 8: "/dev/pts/0", 136<<8 | 3: "/dev/pts/3",
		137<<8 | 1: "/dev/pts/257", 136<<8 | 1<<20: "/dev/pts/256", 8 << 8: "",
	} {
		if got := terminalName(device); got != want {
			t.Errorf("%#x: got %q, want %q", device, got, want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	const limits = "Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max cpu time              unlimited            unlimited            seconds   \n" +
		"Max open files            1024                 1048576              files     \n" +
		"Max realtime timeout      5                    unlimited            us        \n" +
		"Max nice priority         0                    0                    \n" +
		"Max something new         1                    2                    bytes     \n" +
		"Max processes             many                 2                    processes \n"
	want := map[Resource]ResourceLimit{
		LimitCPU:          {Unlimited, Unlimited},
		LimitOpenFiles:    {1024, 1048576},
		LimitRealtimeTime: {5, Unlimited},
		LimitNice:         {0, 0},
	}
	if got := parseLimits([]byte(limits)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseFDInfo(t *testing.T) {
	f := OpenFile{Position: -1, Flags: -1}
	if f.parseInfo([]byte("pos:\t4096\nflags:\t0100002\nmnt_id:\t9\n")); f.Position != 4096 || f.Flags != 0o100002 {
		t.Errorf("got %+v, want position 4096 and flags 0100002", f)
	}
	f = OpenFile{Position: -1, Flags: -1}
	if f.parseInfo([]byte("eventfd-count: 1\nflags:\t9\n")); f.Position != -1 || f.Flags != -1 {
		t.Errorf("got %+v, want nothing", f)
	}
}

func TestSocketInodes(t *testing.T) {
	for in, want := range map[string]uint64{
		"socket:[4711]": 4711, "socket:[": 0, "socket:[4711": 0, "socket:[x]": 0, "pipe:[4711]": 0, "/socket:[4711]": 0, "": 0,
		"socket:[18446744073709551616]": 0,
	} {
		got, ok := socketInode([]byte(in))
		if ok != (want != 0) || ok && got != want {
			t.Errorf("%s: got %d and %v, want %d", in, got, ok, want)
		}
	}
}
