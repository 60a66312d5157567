package proc

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// attempts is how often a tree is read if processes die meanwhile. If they die all
// the time, the last result counts: the use of one that died may be missing from
// it, or be in it twice.
const attempts = 8

func usageOf(root int, s scope) (Usage, error) {
	for i := 1; ; i++ {
		u, steady, err := readUsage(root, s)
		if err != nil || steady || i == attempts {
			return u, err
		}
	}
}

// readUsage reads a tree once. It is steady if no process has died meanwhile,
// which would move its use from the process to its parent.
func readUsage(root int, s scope) (u Usage, steady bool, err error) {
	all, err := readTree(root)
	if err != nil {
		return Usage{}, false, err
	}
	u = Usage{At: time.Now(), Have: HaveSwitches | HaveRSS | HavePSS, switches: make(map[int]int64)}
	steady = true
	for _, p := range all {
		u.dead += p.deadChildren
		u.System += p.deadSystem
		u.User += p.deadChildren - p.deadSystem
		if p.pid == root && s == withoutRoot {
			continue
		}
		user, system := p.split(clock(p.pid))
		u.User += user
		u.System += system
		if p.zombie {
			continue
		}
		u.Processes++
		u.Threads += p.threads
		u.addSwitches(p.pid)
		u.addMemory(p.pid)
	}
	for _, p := range all {
		now, err := readStat(p.pid)
		if err != nil || now.deadChildren != p.deadChildren || now.zombie != p.zombie {
			steady = false
		}
	}
	if u.Processes == 0 {
		return Usage{}, steady, fmt.Errorf("no process is left below %d: %w", root, unix.ESRCH)
	}
	return u, steady, nil
}

// clock returns the processor time of a process to the nanosecond, or zero if it
// is not readable.
func clock(pid int) time.Duration {
	const schedClock = 2 // CPUCLOCK_SCHED, and not CPUCLOCK_PERTHREAD; see clock_getcpuclockid(3)
	var ts unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|schedClock), &ts) != nil { // EINVAL: it is gone
		return 0
	}
	return time.Duration(ts.Nano())
}

// addSwitches adds the switches of the threads of a process.
func (u *Usage) addSwitches(pid int) {
	dir := procFile(pid, "task")
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return // it has died since
	}
	for _, task := range tasks {
		status, err := os.ReadFile(dir + "/" + task.Name() + "/status")
		if isGone(err) {
			continue
		}
		n, ok := parseSwitches(status)
		tid, err := strconv.Atoi(task.Name())
		if !ok || err != nil {
			u.Have &^= HaveSwitches
			continue
		}
		u.switches[tid] = n
		u.Switches += n
	}
}

// addMemory adds the memory of a process.
func (u *Usage) addMemory(pid int) {
	statm, err := os.ReadFile(procFile(pid, "statm"))
	if isGone(err) {
		return
	}
	if pages, ok := parseRSS(statm); ok {
		u.RSS += pages * int64(os.Getpagesize())
	} else {
		u.Have &^= HaveRSS
	}
	rollup, err := os.ReadFile(procFile(pid, "smaps_rollup")) // EACCES: of another user
	if isGone(err) {
		return
	}
	if pss, ok := parsePSS(rollup); ok {
		u.PSS += pss
	} else {
		u.Have &^= HavePSS
	}
}

// readTree returns a process and its descendants, parents first.
func readTree(root int) ([]stat, error) {
	top, err := readStat(root)
	if err != nil {
		return nil, err
	}
	names, err := procNames()
	if err != nil {
		return nil, err
	}
	children := make(map[int][]stat)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue // not a process
		}
		if s, err := readStat(pid); err == nil { // else it has died since
			children[s.parent] = append(children[s.parent], s)
		}
	}
	all := []stat{top}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i].pid]...)
	}
	return all, nil
}

// descendants returns the descendants of root that are not dead.
func descendants(root int) ([]int, error) {
	all, err := readTree(root)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, s := range all[1:] {
		if !s.zombie {
			pids = append(pids, s.pid)
		}
	}
	return pids, nil
}

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(b)
}

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

func procNames() ([]string, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// isGone reports whether an error means that a process or thread has ended.
func isGone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) // ESRCH: opened before it ended, read after
}

// traced returns a process and its descendants.
func traced(pid int) ([]int, error) {
	below, err := descendants(pid)
	return append([]int{pid}, below...), err
}
