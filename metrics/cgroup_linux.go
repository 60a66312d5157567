package metrics

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// cgroupDirs returns the directories of the cgroups of this process, from its own
// up to the root, and whether they are of version 2 (unified). With version 1 they
// are those of the given controller. It relies on the mount points that systemd and
// all container engines use.
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
		// Some of these may not exist: with version 1 a container sees its own
		// cgroup mounted at the root, but the path is that on the host.
		dirs = append(dirs, path.Join(root, group))
		if group == "/" {
			return dirs, unified
		}
		group = path.Dir(group)
	}
}

// parseCgroup returns the path of a controller's cgroup in /proc/PID/cgroup, see
// cgroups(7). Version 2 has a line with the controller "".
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

// memoryLimit returns the lowest memory limit of the cgroups of this process, and
// how much of it is used. ok is false if there is none, or not all can be read.
func (h Host) memoryLimit() (limit, used uint64, ok bool) {
	dirs, unified := h.cgroupDirs("memory")
	limitName, usedName := "memory.limit_in_bytes", "memory.usage_in_bytes"
	if unified {
		limitName, usedName = "memory.max", "memory.current"
	}
	for _, dir := range dirs {
		n, known, err := readNumber(path.Join(dir, limitName)) // not known: "max", or no file in the root of version 2
		if err != nil {
			return 0, 0, false // this limit might be the lowest
		}
		if !known || ok && n >= limit {
			continue
		}
		u, known, err := readNumber(path.Join(dir, usedName))
		if err != nil || !known {
			return 0, 0, false
		}
		limit, used, ok = n, u, true
	}
	return limit, used, ok
}

// cpuQuota returns the lowest CPU limit of the cgroups of this process, in
// processors, or 0 if there is none, or not all can be read.
func (h Host) cpuQuota() (least float64) {
	dirs, unified := h.cgroupDirs("cpu")
	for _, dir := range dirs {
		n, err := readQuota(dir, unified)
		if err != nil {
			return 0 // this limit might be the lowest
		}
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// readQuota returns the CPU limit of one cgroup in processors, or 0 if it has none.
func readQuota(dir string, unified bool) (processors float64, err error) {
	var quota, period uint64
	if unified {
		var b []byte
		b, err = readIfExists(path.Join(dir, "cpu.max")) // "max 100000" or "150000 100000"
		quota, b, _ = number(b)
		period, _, _ = number(bytes.TrimLeft(b, " "))
	} else {
		var err1, err2 error
		quota, _, err1 = readNumber(path.Join(dir, "cpu.cfs_quota_us")) // -1: none
		period, _, err2 = readNumber(path.Join(dir, "cpu.cfs_period_us"))
		err = errors.Join(err1, err2)
	}
	if err != nil || period == 0 {
		return 0, err
	}
	return float64(quota) / float64(period), nil
}

// readNumber returns the number at the beginning of a file. ok is false if there is
// no such file, or no number in it.
func readNumber(name string) (n uint64, ok bool, err error) {
	b, err := readIfExists(name)
	n, _, ok = number(b)
	return n, ok, err
}

// readIfExists reads a file, and returns nil, nil if it does not exist.
func readIfExists(name string) ([]byte, error) {
	b, err := readPath(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}
