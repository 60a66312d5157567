package metrics

import (
	"bytes"
	"math"
	"path"
	"time"
)

func (h Host) cpu() (HostCPU, error) {
	b, err := readPath(path.Join(h.proc(), "stat"))
	if err != nil {
		return HostCPU{}, err
	}
	return parseCPU(b)
}

// parseCPU reads the lines of /proc/stat that begin with "cpu", see proc_stat(5): the
// sum over all processors, then each.
func parseCPU(b []byte) (c HostCPU, err error) {
	haveTotal := false
	for line := range bytes.Lines(b) {
		rest, ok := bytes.CutPrefix(line, []byte("cpu"))
		if !ok {
			break // these lines come first, and "intr" may be long
		}
		n, rest, isNumbered := number(rest)
		use, ok := parseCPUUse(rest)
		switch {
		case !ok || n > math.MaxInt32:
			return HostCPU{}, errMalformed
		case isNumbered:
			use.Number = int(n)
			c.Each = append(c.Each, use)
		default:
			use.Number = -1
			c.Total, haveTotal = use, true
		}
	}
	if !haveTotal {
		return HostCPU{}, errMalformed
	}
	return c, nil
}

// parseCPUUse reads the numbers of a line, which are in ticks. Kernels before 2.6.33
// have fewer than ten.
func parseCPUUse(b []byte) (u CPUUse, ok bool) {
	known := [10]CPUUseFields{1: CPUNice, 4: CPUIOWait, 5: CPUIRQ, 6: CPUSoftIRQ, 7: CPUSteal, 8: CPUGuest, 9: CPUGuestNice}
	for i, part := range u.parts() {
		n, rest, ok := number(bytes.TrimLeft(b, " "))
		if !ok || n > math.MaxInt64/uint64(tick) {
			return u, i >= 4 // user, nice, system and idle are always there
		}
		*part = time.Duration(n) * tick
		u.Have |= known[i]
		b = rest
	}
	return u, true
}
