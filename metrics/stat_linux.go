package metrics

import (
	"bytes"
	"math"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every
// architecture that Go supports.
const tick = 10 * time.Millisecond

// A stat holds fields of /proc/PID/stat, see proc_pid_stat(5).
type stat struct {
	pid     int
	name    []byte // a part of the buffer that was parsed
	state   State
	parent  int
	tty     int // device number
	faults  Faults
	cpu     CPUTime
	nice    int
	threads int
	start   uint64 // ticks since boot
}

// parse reads the content of the file. It returns false if that is malformed.
func (s *stat) parse(b []byte) bool {
	// The name may hold anything, even ") R 1 (" and newlines. The fields after it
	// have no parentheses.
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 1 || end < open || len(b) < end+4 {
		return false
	}
	pid, rest, ok := number(b[:open-1])
	if !ok || len(rest) > 0 || pid > math.MaxInt32 {
		return false
	}
	const first, last = 4, 22 // field numbers of proc_pid_stat(5)
	var f [last + 1]uint64
	rest = b[end+3:] // the state is one letter
	for i := first; i <= last; i++ {
		if len(rest) == 0 || rest[0] != ' ' {
			return false
		}
		if f[i], rest, ok = signedNumber(rest[1:]); !ok {
			return false
		}
	}
	if len(rest) > 0 && rest[0] != ' ' && rest[0] != '\n' {
		return false
	}
	for i := 14; i <= 17; i++ {
		if f[i] > math.MaxInt64/uint64(tick) {
			return false
		}
	}
	ticks := func(i int) time.Duration { return time.Duration(f[i]) * tick }
	*s = stat{
		pid:     int(pid),
		name:    b[open+1 : end],
		state:   stateOf(b[end+2]),
		parent:  int(int32(f[4])),
		tty:     int(int32(f[7])),
		faults:  Faults{Minor: f[10], Major: f[12]},
		cpu:     CPUTime{User: ticks(14), System: ticks(15), ChildUser: ticks(16), ChildSystem: ticks(17), HaveChildren: true},
		nice:    int(int32(f[19])),
		threads: int(int32(f[20])),
		start:   f[22],
	}
	return true
}

// stateOf returns the State for a letter of any kernel version.
func stateOf(letter byte) State {
	switch letter {
	case 'R':
		return Running
	case 'S':
		return Sleeping
	case 'D':
		return DiskSleep
	case 'T':
		return Stopped
	case 't':
		return TracingStop
	case 'Z':
		return Zombie
	case 'X', 'x':
		return Dead
	case 'I':
		return Idle
	case 'P':
		return Parked
	case 'K', 'W':
		return Waking
	}
	return Unknown
}

// number parses the decimal number at the beginning of b and returns the bytes
// after it. ok is false if there is none or it exceeds a uint64.
func number(b []byte) (n uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		digit := uint64(b[i] - '0')
		if n > (math.MaxUint64-digit)/10 {
			return 0, b, false
		}
		n = n*10 + digit
	}
	return n, b[i:], i > 0
}

// signedNumber is number with an optional minus sign. A negative number is returned
// in two's complement.
func signedNumber(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) > 0 && b[0] == '-' {
		n, rest, ok = number(b[1:])
		return -n, rest, ok && n <= 1<<63
	}
	return number(b)
}

// numberOf returns the number after "key:" and blanks at the beginning of a line.
func numberOf(b []byte, key string) (uint64, bool) {
	value, ok := valueOf(b, key)
	if !ok {
		return 0, false
	}
	n, _, ok := number(value)
	return n, ok
}

// valueOf returns the rest of b after "key:" and blanks at the beginning of a line.
func valueOf(b []byte, key string) ([]byte, bool) {
	for len(b) > 0 {
		if len(b) > len(key) && b[len(key)] == ':' && string(b[:len(key)]) == key {
			return bytes.TrimLeft(b[len(key)+1:], " \t"), true
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			return nil, false
		}
		b = b[end+1:]
	}
	return nil, false
}
