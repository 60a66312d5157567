package proc

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// CPUs returns the numbers of the processors that this process may use, in
// rising order.
func CPUs() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(os.Getpid(), &set); err != nil { // more than 1024 of them
		return firstCPUs(runtime.NumCPU())
	}
	var cpus []int
	for cpu := range len(set) * strconv.IntSize {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// Pin keeps this process, with all present and future threads, on cpus, and sets
// GOMAXPROCS to their number. Processes that it starts later inherit that, unless
// Command.CPUs says otherwise.
func Pin(cpus []int) error {
	pinned := make(map[string]bool)
	for again := true; again; { // a thread that was not pinned yet may have started another
		again = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("pin this process: %w", err)
		}
		for _, task := range tasks {
			if pinned[task.Name()] {
				continue
			}
			pinned[task.Name()], again = true, true
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				return fmt.Errorf("pin this process: %w", err)
			}
			if err := setAffinity(tid, cpus); err != nil && !isGone(err) {
				return fmt.Errorf("pin this process: %w", err)
			}
		}
	}
	runtime.GOMAXPROCS(len(cpus))
	return nil
}

// setAffinity keeps a thread on cpus; tid 0 is the calling thread.
func setAffinity(tid int, cpus []int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	if set.Count() != len(cpus) || len(cpus) == 0 {
		return fmt.Errorf("%v is not a set of processors", cpus)
	}
	if err := unix.SchedSetaffinity(tid, &set); err != nil { // EINVAL: none of them exists or is allowed
		return fmt.Errorf("processors %v: %w", cpus, os.NewSyscallError("sched_setaffinity", err))
	}
	return nil
}
