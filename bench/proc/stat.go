package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every
// architecture that Go supports.
const tick = 10 * time.Millisecond

// A stat is the content of /proc/PID/stat, see proc_pid_stat(5).
type stat struct {
	pid, parent              int
	user, system             time.Duration // own, rounded down to ticks
	deadChildren, deadSystem time.Duration // of children waited for: user and system, and system alone
	threads                  int
	zombie                   bool // dead and not waited for: only its times are valid
}

// parseStat parses /proc/PID/stat.
func parseStat(b []byte) (stat, error) {
	malformed := fmt.Errorf("malformed stat: %.80q", b)
	number, rest, ok := bytes.Cut(b, []byte(" ("))
	// Only the name may contain spaces and parentheses.
	end := bytes.LastIndexByte(rest, ')')
	if !ok || end < 0 {
		return stat{}, malformed
	}
	f := strings.Fields(string(rest[end+1:])) // f[0] is field 3, the state
	if len(f) < 18 {
		return stat{}, malformed
	}
	var errs []error
	atoi := func(s string) int {
		n, err := strconv.Atoi(s)
		errs = append(errs, err)
		return n
	}
	ticks := func(s string) time.Duration {
		n, err := strconv.ParseUint(s, 10, 32)
		errs = append(errs, err)
		return time.Duration(n) * tick
	}
	s := stat{
		pid:        atoi(string(number)),
		parent:     atoi(f[1]),
		user:       ticks(f[11]),
		system:     ticks(f[12]),
		deadSystem: ticks(f[14]),
		threads:    atoi(f[17]),
		zombie:     f[0] == "Z" || f[0] == "X",
	}
	s.deadChildren = ticks(f[13]) + s.deadSystem
	if errors.Join(errs...) != nil {
		return stat{}, malformed
	}
	return s, nil
}

// parseSwitches returns the sum of the context switches in
// /proc/PID/task/TID/status.
func parseSwitches(b []byte) (n int64, ok bool) {
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		if name == "voluntary_ctxt_switches" || name == "nonvoluntary_ctxt_switches" {
			v, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err != nil {
				return 0, false
			}
			n, ok = n+v, true
		}
	}
	return n, ok
}

// parsePSS returns Pss of /proc/PID/smaps_rollup, in bytes.
func parsePSS(b []byte) (bytes int64, ok bool) {
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 53)
			return n << 10, err == nil
		}
	}
	return 0, false
}

// parseRSS returns the resident pages in /proc/PID/statm.
func parseRSS(b []byte) (pages int64, ok bool) {
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0, false
	}
	n, err := strconv.ParseInt(f[1], 10, 40)
	return n, err == nil
}

// split divides the processor time of the clock of a process into user and system
// in the proportion of the ticks. If the clock shows less than the ticks, because
// it is not readable, it returns the ticks.
func (s stat) split(clock time.Duration) (user, system time.Duration) {
	ticks := s.user + s.system
	rest := max(clock-ticks, 0)
	user = rest / 2
	if ticks > 0 {
		user = time.Duration(float64(rest) * float64(s.user) / float64(ticks))
	}
	return s.user + user, s.system + rest - user
}
