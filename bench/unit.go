package bench

import "strings"

var (
	quantities = map[string]string{
		"cpu-s": "CPU seconds", "user-s": "CPU seconds of the program", "sys-s": "CPU seconds of the kernel",
		"switches": "context switches", "calls": "system calls", "req": "requests", "MB": "MB", "KiB": "KiB of memory", "B": "bytes of memory",
		"store-cpu-s": "CPU seconds of the store", "store-req": "requests to the store", "MiB": "MiB of memory",
	}
	divisors = map[string]string{"GB": "GB", "100k": "100,000 requests", "s": "second", "conn": "connection", "GET": "GET", "process": "process"}
)

// unitName returns the unit of a metric in words: "CPU seconds per GB". It returns
// unknown units unchanged.
func unitName(unit string) string {
	if percent, ok := strings.CutSuffix(unit, "-us"); ok && isPercentile(percent) {
		return "µs for " + percent[1:] + " % of requests"
	}
	what, per, ok := strings.Cut(unit, "/")
	if ok && quantities[what] != "" && divisors[per] != "" {
		return quantities[what] + " per " + divisors[per]
	}
	return unit
}

// isPercentile says whether a name is like p50 or p99.9.
func isPercentile(name string) bool {
	return len(name) > 1 && name[0] == 'p' && name[1] >= '0' && name[1] <= '9'
}

// isMain says whether a metric is one of cost, speed or memory, whose charts come
// first.
func isMain(unit string) bool {
	return isCPU(unit) || isRate(unit) || unit == "KiB/conn" || unit == "B/conn"
}

// isCPU says whether a metric is processor time.
func isCPU(unit string) bool { return strings.HasPrefix(unit, "cpu-s/") }

// isRate says whether a metric is a rate.
func isRate(unit string) bool { return strings.HasSuffix(unit, "/s") }

// rank returns where to show a metric: costs come before rates, because on
// loopback a rate depends on the client too.
func rank(unit string) int {
	switch {
	case isCPU(unit), strings.HasPrefix(unit, "user-s/"), strings.HasPrefix(unit, "sys-s/"):
		return 0
	case isRate(unit):
		return 1
	}
	return 2
}
