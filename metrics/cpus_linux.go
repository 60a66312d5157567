package metrics

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"time"
)

func (h Host) cpus() (CPUs, error) {
	c := CPUs{Physical: h.cores(), Quota: h.cpuQuota()}
	online, err := os.ReadFile(path.Join(h.sys(), "devices/system/cpu/online"))
	if err == nil {
		c.Logical = countList(online)
	}
	if c.Logical == 0 { // no sysfs
		b, err := os.ReadFile(path.Join(h.proc(), "stat"))
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

// countList counts the members of a list as "0-3,8".
func countList(b []byte) (n int) {
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
			n += int(high-low) + 1
		}
	}
	return n
}

// countCPULines counts the processors in /proc/stat: lines as "cpu0 ...".
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

// cores counts sets of hardware threads that share a core, or returns 0.
func (h Host) cores() int {
	sets := make(map[string]bool)
	for _, name := range []string{"core_cpus_list", "thread_siblings_list"} { // the latter before Linux 5.2
		files, _ := filepath.Glob(path.Join(h.sys(), "devices/system/cpu/cpu[0-9]*/topology", name))
		for _, file := range files {
			if b, err := os.ReadFile(file); err == nil {
				sets[string(b)] = true
			}
		}
		if len(sets) > 0 {
			break
		}
	}
	return len(sets)
}

func (h Host) boot() (time.Time, error) { return bootTime(), nil }
