package proc

import "time"

// A Usage is what processes have used so far, and have now.
//
// What they used of the processors includes children that have died and were
// waited for. It is exact to the nanosecond for the living; the dead are told
// by the kernel in steps of 10 ms, once for each living parent. A parent that
// ignores SIGCHLD loses what its children have used.
type Usage struct {
	At           time.Time
	User, System time.Duration // their sum is exact, the split is within some 10 ms
	Switches     int64         // context switches, voluntary or not, of the threads that live
	RSS, PSS     int64         // bytes of memory; PSS shares out what is shared
	Processes    int
	Threads      int
	Have         Fields // which of the above are known

	switches map[int]int64 // of each thread
	dead     time.Duration // the part of User and System that children had who died
}

// Fields is a set of fields of a Usage or a Used. What is not in the set is
// unknown, not zero. The processor time of a Usage is always known.
type Fields uint8

const (
	HaveSwitches Fields = 1 << iota
	HaveRSS
	HavePSS
)

// Has tells whether all of g are known.
func (f Fields) Has(g Fields) bool { return f&g == g }

// A Used is what processes have used between two moments.
type Used struct {
	Elapsed      time.Duration
	User, System time.Duration
	Switches     int64
	Have         Fields // of HaveSwitches
}

// CPU is all time on processors.
func (u Used) CPU() time.Duration { return u.User + u.System }

// CPU is all time on processors.
func (u Usage) CPU() time.Duration { return u.User + u.System }

// Sub returns what was used from before to u. No time is negative. Context
// switches are known only if no process and no thread has died in between,
// because the kernel tells nobody what those had.
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

// Usage is what all processes that come from p have used so far and have now.
// Its sums never get less from one call to the next, except Switches: the
// switches of those who die are lost. On systems other than Linux the error is
// errors.ErrUnsupported. It is an error if no process is left.
func (p *Process) Usage() (Usage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, err := usageOf(p.tree.root(), childrenOnly)
	if err != nil {
		return Usage{}, err
	}
	// Who dies is rounded down to 10 ms.
	if total := max(u.CPU(), p.usage.CPU()); total > u.CPU() {
		u.User, u.System = p.usage.User, p.usage.System
	}
	p.usage = u
	return u, nil
}

// Tree is what a process and all its descendants have used so far and have
// now. A sum can be less than the one before by up to 10 ms for each process
// that had children, when some of these have died; Process.Usage hides that.
// On systems other than Linux the error is errors.ErrUnsupported.
func Tree(pid int) (Usage, error) { return usageOf(pid, rootToo) }

// A scope says whether the root of a tree counts.
type scope int

const (
	rootToo scope = iota
	childrenOnly
)
