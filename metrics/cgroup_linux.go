package metrics

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// cgroupDirs returns the directories of the cgroups that hold this process, its
// own first, and whether they are of version 2. With version 1 they are those
// of one controller. It relies on them being mounted where systemd and all
// container engines mount them.
func (h Host) cgroupDirs(controller string) (dirs []string, unified bool) {
	b, err := readPath(path.Join(h.proc(), "self/cgroup"))
	if err != nil {
		return nil, false
	}
	root := path.Join(h.sys(), "fs/cgroup")
	unified = true
	group, ok := parseCgroup(b, controller)
	if ok {
		root, unified = path.Join(root, controller), false
	} else if group, ok = parseCgroup(b, ""); !ok {
		return nil, false
	}
	for {
		// What is not there was the host's and is out of sight: a container
		// of version 1 has its own cgroup mounted at the root.
		dirs = append(dirs, path.Join(root, group))
		if group == "/" {
			return dirs, unified
		}
		group = path.Dir(group)
	}
}

// parseCgroup returns the path in the line of a controller in
// /proc/PID/cgroup, see cgroups(7). Version 2 has one line, for "".
func parseCgroup(b []byte, controller string) (group string, ok bool) {
	for line := range bytes.Lines(b) {
		_, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), ":")
		controllers, group, ok := strings.Cut(rest, ":")
		if !ok || !strings.HasPrefix(group, "/") {
			continue
		}
		for c := range strings.SplitSeq(controllers, ",") {
			if c == controller {
				return path.Clean(group), true
			}
		}
	}
	return "", false
}

// memoryLimit returns the least limit of the cgroups above this process, and
// what is used of it.
func (h Host) memoryLimit() (limit, used uint64, ok bool) {
	dirs, unified := h.cgroupDirs("memory")
	limitName, usedName := "memory.limit_in_bytes", "memory.usage_in_bytes"
	if unified {
		limitName, usedName = "memory.max", "memory.current"
	}
	for _, dir := range dirs {
		n, known, err := numberIn(path.Join(dir, limitName)) // not known: "max", or the root of version 2
		if err != nil {
			return 0, 0, false // it might be the least
		}
		if !known || ok && n >= limit {
			continue
		}
		u, known, err := numberIn(path.Join(dir, usedName))
		if err != nil || !known {
			return 0, 0, false
		}
		limit, used, ok = n, u, true
	}
	return limit, used, ok
}

// cpuQuota returns the least of the cgroups above this process, in processors,
// or 0 if there is none, or not all are told.
func (h Host) cpuQuota() (least float64) {
	dirs, unified := h.cgroupDirs("cpu")
	for _, dir := range dirs {
		n, err := quotaIn(dir, unified)
		if err != nil {
			return 0 // it might be the least
		}
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// quotaIn returns that of one cgroup, or 0.
func quotaIn(dir string, unified bool) (processors float64, err error) {
	var quota, period uint64
	if unified {
		var b []byte
		b, err = readIfThere(path.Join(dir, "cpu.max")) // "max 100000" or "150000 100000"
		quota, b, _ = number(b)
		period, _, _ = number(bytes.TrimLeft(b, " "))
	} else {
		var err1, err2 error
		quota, _, err1 = numberIn(path.Join(dir, "cpu.cfs_quota_us")) // -1: none
		period, _, err2 = numberIn(path.Join(dir, "cpu.cfs_period_us"))
		err = errors.Join(err1, err2)
	}
	if err != nil || period == 0 {
		return 0, err
	}
	return float64(quota) / float64(period), nil
}

// numberIn returns the number in a file. It is not ok if there is no such file,
// or no number in it.
func numberIn(name string) (n uint64, ok bool, err error) {
	b, err := readIfThere(name)
	n, _, ok = number(b)
	return n, ok, err
}

// readIfThere returns nothing for a file that is not there.
func readIfThere(name string) ([]byte, error) {
	b, err := readPath(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}
