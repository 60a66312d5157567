package proc

import (
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	tests := map[string]struct {
		in   string
		want stat
	}{
		"a server": {
			"123 (nginx) S 1 123 123 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 4 0 987654 5000 600 18446744073709551615",
			stat{pid: 123, parent: 1, user: 110 * time.Millisecond, system: 220 * time.Millisecond, deadChildren: 770 * time.Millisecond, deadSystem: 440 * time.Millisecond, threads: 4},
		},
		"a name with parentheses and spaces": {
			"7 (a) S 1 (b) R 6 7 7 0 -1 0 0 0 0 0 1 0 0 0 20 0 1 0 1",
			stat{pid: 7, parent: 6, user: tick, threads: 1},
		},
		"a name with a line end": {
			"7 (a\nb) R 6 7 7 0 -1 0 0 0 0 0 0 1 0 0 20 0 1 0 1",
			stat{pid: 7, parent: 6, system: tick, threads: 1},
		},
		"a zombie": {
			"7 (sh) Z 6 7 7 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 1",
			stat{pid: 7, parent: 6, user: tick, system: 2 * tick, threads: 1, zombie: true},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat([]byte(tt.in))
			if got != tt.want || err != nil {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
	for _, in := range []string{"", "7", "7 (", "7 (a)", "7 (a) S 1 2 3", "x (a) S 1 123 123 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 4 0", "7 (a) S 1 1 1 0 -1 0 1 2 0 0 -1 22 33 44 20 0 4 0"} {
		if got, err := parseStat([]byte(in)); err == nil {
			t.Errorf("parseStat(%q): got %+v, want an error", in, got)
		}
	}
}

func TestSplitFollowsTheTicks(t *testing.T) {
	const ms = time.Millisecond
	tests := map[string]struct {
		user, system, clock time.Duration
		wantUser, wantSys   time.Duration
	}{
		"the rest is divided like the ticks": {30 * ms, 10 * ms, 48 * ms, 36 * ms, 12 * ms},
		"halves before the first tick":       {0, 0, 8 * ms, 4 * ms, 4 * ms},
		"no clock":                           {30 * ms, 10 * ms, 0, 30 * ms, 10 * ms},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			user, sys := stat{user: tt.user, system: tt.system}.split(tt.clock)
			if user != tt.wantUser || sys != tt.wantSys {
				t.Errorf("got %v and %v, want %v and %v", user, sys, tt.wantUser, tt.wantSys)
			}
		})
	}
}

func TestParseMemoryAndSwitches(t *testing.T) {
	type answer struct {
		n  int64
		ok bool
	}
	pack := func(n int64, ok bool) answer { return answer{n, ok} }
	tests := map[string]struct{ got, want answer }{
		"resident pages":                 {pack(parseRSS([]byte("5000 600 30 1 0 100 0\n"))), answer{600, true}},
		"resident pages of nothing":      {pack(parseRSS(nil)), answer{}},
		"PSS":                            {pack(parsePSS([]byte("00400000-7fff [rollup]\nRss:  10 kB\nPss:   3 kB\nPss_Dirty: 1 kB\n"))), answer{3072, true}},
		"no PSS":                         {pack(parsePSS([]byte("Rss:  10 kB\n"))), answer{}},
		"switches of both kinds":         {pack(parseSwitches([]byte("Name:\tx\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n"))), answer{695, true}},
		"no switches":                    {pack(parseSwitches([]byte("Name:\tx\n"))), answer{}},
		"switches that are not a number": {pack(parseSwitches([]byte("voluntary_ctxt_switches:\tmany\n"))), answer{}},
	}
	for name, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", name, tt.got, tt.want)
		}
	}
}

func TestParseSummary(t *testing.T) {
	const head = "strace: Process 7 attached\n% time     seconds  usecs/call     calls    errors syscall\n" +
		"------ ----------- ----------- --------- --------- ----------------\n"
	tests := map[string]struct {
		in   string
		want int64
		ok   bool
	}{
		"with errors":             {head + " 99.70    0.033797          10      3317       185 rt_sigaction\n------ ----------- ----------- --------- --------- ----------------\n100.00    0.033797          10      3317       185 total\n", 3317, true},
		"without errors":          {head + "100.00    0.000007           0        27           total\n", 27, true},
		"without time per call":   {head + "100.00    0.000007                    27         2 total\n", 27, true},
		"a call named total":      {head + " 10.00    0.000007           0         3           subtotal\n100.00    0.000007           0        27           total\n", 27, true},
		"no call at all":          {"strace: Process 7 attached\n/usr/bin/strace: Process 7 detached\n", 0, true},
		"cut in the table":        {"strace: Process 7 detached\n" + head + " 10.00    0.000007           0         3           read\n", 0, false},
		"nothing":                 {"", 0, false},
		"an error":                {"strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted\n", 0, false},
		"dashes without columns":  {"------ \n100.00 total\n", 0, false},
		"total without the table": {"100.00    0.000007           0        27           total\n", 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, ok := parseSummary([]byte(tt.in)); got != tt.want || ok != tt.ok {
				t.Errorf("got %d, %v, want %d, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestStatesThatStraceReports(t *testing.T) {
	for line, want := range map[string]bool{
		"strace: Process 12 attached\n":                     true,
		"strace: Process 12 attached with 3 threads\n":      true,
		"/usr/bin/strace: Process 12 attached\n":            true,
		"strace: Process 12 detached\n":                     false,
		"strace: attach: ptrace(PTRACE_SEIZE, 1): no way\n": false,
		"": false,
	} {
		if got := reportsState(line, "attached"); got != want {
			t.Errorf("reportsState(%q): got %v, want %v", line, got, want)
		}
	}
}

func TestSubLeavesOutUnknownSwitches(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	a := Usage{At: at(1), User: 10, System: 20, Switches: 30, Have: HaveSwitches, switches: map[int]int64{1: 10, 2: 20}}
	grown := Usage{At: at(3), User: 15, System: 40, Switches: 41, Have: HaveSwitches, switches: map[int]int64{1: 11, 2: 25, 3: 5}}
	lost := grown
	lost.switches = map[int]int64{1: 11, 3: 30}
	reaped := grown
	reaped.dead = tick
	blind := grown
	blind.Have = 0
	back := grown
	back.User, back.System = 12, 15 // in all less than before
	skewed := grown
	skewed.User, skewed.System = 9, 40
	tests := map[string]struct {
		b    Usage
		want Used
	}{
		"threads were born":       {grown, Used{2 * time.Second, 5, 20, 11, HaveSwitches}},
		"a thread has died":       {lost, Used{2 * time.Second, 5, 20, 0, 0}},
		"a child was waited for":  {reaped, Used{2 * time.Second, 5, 20, 0, 0}},
		"switches cannot be read": {blind, Used{2 * time.Second, 5, 20, 0, 0}},
		"the sum has fallen":      {back, Used{2 * time.Second, 0, 0, 11, HaveSwitches}},
		"the split has moved":     {skewed, Used{2 * time.Second, 0, 19, 11, HaveSwitches}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.b.Sub(a); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzParsers(f *testing.F) {
	f.Add("7 (a) S 6 7 7 0 -1 0 0 0 0 0 1 0 0 0 20 0 1 0 1")
	f.Add("------ ----------- ----------- --------- --------- ----------------\n100.00    0.000007           0        27           total\n")
	f.Add("Pss:   3 kB\nvoluntary_ctxt_switches:\t150\n")
	f.Fuzz(func(t *testing.T, in string) {
		b := []byte(in)
		if s, err := parseStat(b); err == nil && (s.user < 0 || s.deadChildren < 0 || !strings.Contains(in, ")")) {
			t.Errorf("got %+v", s)
		}
		_, _ = parseSummary(b)
		_, _ = parsePSS(b)
		_, _ = parseRSS(b)
		_, _ = parseSwitches(b)
		_ = reportsState(in, "attached")
	})
}

func TestUsageOfSeveralServersIsTheSum(t *testing.T) {
	now := time.Now()
	one := Usage{At: now, User: 2, System: 3, Switches: 5, RSS: 7, PSS: 11, Processes: 1, Threads: 4, Have: HaveRSS | HavePSS | HaveSwitches, switches: map[int]int64{1: 5}}
	two := Usage{At: now, User: 20, System: 30, RSS: 70, PSS: 110, Processes: 2, Threads: 40, Have: HavePSS | HaveSwitches, switches: map[int]int64{2: 50}, dead: 9}
	for _, sum := range []Usage{one.Add(two), two.Add(one)} {
		if sum.CPU() != 55 || sum.RSS != 77 || sum.PSS != 121 || sum.Processes != 3 || sum.Threads != 44 || sum.dead != 9 {
			t.Errorf("got %+v", sum)
		}
		if sum.Have != HavePSS|HaveSwitches {
			t.Errorf("got %b as what is known of both", sum.Have)
		}
	}
	if sum := (Usage{}).Add(one); sum.switches[1] != 5 || len(one.switches) != 1 {
		t.Errorf("got %v", sum.switches)
	}
	later := one
	later.switches, later.Switches, later.User = map[int]int64{1: 8}, 8, 12
	if used := later.Add(two).Sub(one.Add(two)); used.Switches != 3 || used.CPU() != 10 || !used.Have.Has(HaveSwitches) {
		t.Errorf("got %+v, want 3 switches and 10 ns", used)
	}
}
