package metrics

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

func (h Host) cpus() (CPUs, error) {
	c := CPUs{Physical: h.cores(), Quota: h.cpuQuota()}
	online, err := readPath(path.Join(h.sys(), "devices/system/cpu/online"))
	if err == nil {
		c.Logical = countList(online)
	}
	if c.Logical == 0 { // no sysfs
		b, err := readPath(path.Join(h.proc(), "stat"))
		if err != nil {
			return CPUs{}, err
		}
		c.Logical = countCPULines(b)
	}
	if c.Logical == 0 {
		return CPUs{}, errMalformed
	}
	return c, nil
}

// countList counts the members of a list like "0-3,8".
func countList(b []byte) (n int) {
	eachInList(b, func(low, high int) { n += high - low + 1 })
	return n
}

// eachInList calls each with the first and the last number of the ranges in a list
// like "0-3,8".
func eachInList(b []byte, each func(low, high int)) {
	for part := range bytes.SplitSeq(bytes.TrimSpace(b), []byte(",")) {
		first, last, isRange := bytes.Cut(part, []byte("-"))
		low, _, ok := number(first)
		if !ok {
			continue
		}
		high := low
		if isRange {
			high, _, ok = number(last)
		}
		if ok && high >= low && high < 1<<20 {
			each(int(low), int(high))
		}
	}
}

// countCPULines counts the processors in /proc/stat: lines like "cpu0 ...".
func countCPULines(b []byte) (n int) {
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte("cpu")); ok {
			if _, _, ok := number(rest); ok {
				n++
			}
		}
	}
	return n
}

// cores counts the sets of hardware threads that share a core. It returns 0 if it
// cannot read them all.
func (h Host) cores() int {
	root := path.Join(h.sys(), "devices/system/cpu")
	dir, err := openAt(unix.AT_FDCWD, cstring(root+"\x00"), asDirectory)
	if err != nil {
		return 0
	}
	defer unix.Close(dir)
	var names [bufferSize]byte
	sets := make(map[string]bool)
	var failed error
	err = eachEntry(dir, names[:], func(name []byte) bool {
		if number, ok := bytes.CutPrefix(name, []byte("cpu")); !ok || len(number) == 0 || number[0] < '0' || number[0] > '9' {
			return true
		}
		topology := path.Join(root, string(name), "topology")
		b, err := readPath(path.Join(topology, "core_cpus_list"))
		if errors.Is(err, fs.ErrNotExist) { // before Linux 5.2
			b, err = readPath(path.Join(topology, "thread_siblings_list"))
		}
		switch {
		case err == nil:
			sets[string(b)] = true
		case !errors.Is(err, fs.ErrNotExist): // an offline CPU has no topology
			failed = err
		}
		return failed == nil
	})
	if err != nil || failed != nil {
		return 0
	}
	return len(sets)
}

func (h Host) boot() (time.Time, error) { return bootTime(), nil }
