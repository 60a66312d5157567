package proc

import (
	"maps"
	"time"
)

// A Usage is what processes have used so far, and have now.
//
// The processor time includes that of children that have died and were waited
// for. It is exact to the nanosecond for living processes; the kernel rounds that
// of the dead to 10 ms, once for each living parent. If a parent ignores SIGCHLD,
// the time of its children is lost.
type Usage struct {
	At           time.Time
	User, System time.Duration // their sum is exact, the split is within some 10 ms
	Switches     int64         // context switches, voluntary or not, of living threads
	RSS, PSS     int64         // bytes of memory; PSS divides shared pages by their users
	Processes    int
	Threads      int
	Have         Fields // which of the above are known

	switches map[int]int64 // of each thread
	dead     time.Duration // the part of User and System of children that have died
}

// Fields is a set of fields of a Usage or a Used. Fields that are not in the set
// are unknown, not zero. The processor time of a Usage is always known.
type Fields uint8

const (
	HaveSwitches Fields = 1 << iota
	HaveRSS
	HavePSS
)

// Has reports whether all of g are known.
func (f Fields) Has(g Fields) bool { return f&g == g }

// A Used is what processes have used between two times.
type Used struct {
	Elapsed      time.Duration
	User, System time.Duration
	Switches     int64
	Have         Fields // of HaveSwitches
}

// CPU returns the processor time.
func (u Used) CPU() time.Duration { return u.User + u.System }

// CPU returns the processor time.
func (u Usage) CPU() time.Duration { return u.User + u.System }

// Sub returns what was used between before and u. No time is negative. Context
// switches are known only if no process and no thread has died in between,
// because the kernel does not show those of the dead.
func (u Usage) Sub(before Usage) Used {
	total := max(u.CPU()-before.CPU(), 0)
	user := min(max(u.User-before.User, 0), total)
	used := Used{Elapsed: u.At.Sub(before.At), User: user, System: total - user}
	if !before.Have.Has(HaveSwitches) || !u.Have.Has(HaveSwitches) || u.dead != before.dead {
		return used
	}
	for thread := range before.switches {
		if _, lives := u.switches[thread]; !lives {
			return used
		}
	}
	used.Switches, used.Have = u.Switches-before.Switches, HaveSwitches
	return used
}

// Add returns what u and v are together: of processes that are counted apart, at about the same time.
func (u Usage) Add(v Usage) Usage {
	sum := Usage{
		At: u.At, User: u.User + v.User, System: u.System + v.System, Switches: u.Switches + v.Switches,
		RSS: u.RSS + v.RSS, PSS: u.PSS + v.PSS, Processes: u.Processes + v.Processes, Threads: u.Threads + v.Threads,
		Have: u.Have & v.Have, switches: make(map[int]int64), dead: u.dead + v.dead,
	}
	maps.Copy(sum.switches, u.switches)
	maps.Copy(sum.switches, v.switches)
	return sum
}

// Usage returns what p and its descendants have used so far and have now. Its sums
// never fall from one call to the next, except Switches: the switches of processes
// that die are lost. On systems other than Linux the error is
// errors.ErrUnsupported. It is an error if no process is left.
func (p *Process) Usage() (Usage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, err := usageOf(p.tree.root(), withoutRoot)
	if err != nil {
		return Usage{}, err
	}
	// The kernel rounds the time of a process that dies down to 10 ms.
	if total := max(u.CPU(), p.usage.CPU()); total > u.CPU() {
		u.User, u.System = p.usage.User, p.usage.System
	}
	p.usage = u
	return u, nil
}

// Tree returns what a process and its descendants have used so far and have now. A
// sum can fall by up to 10 ms for each process some of whose children have died;
// Process.Usage hides that.
// On systems other than Linux the error is errors.ErrUnsupported.
func Tree(pid int) (Usage, error) { return usageOf(pid, withRoot) }

// A scope says whether the root of a tree is counted.
type scope int

const (
	withRoot scope = iota
	withoutRoot
)
