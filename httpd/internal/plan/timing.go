package plan

import (
	"strconv"
	"time"
)

// AppendTiming appends the value of Server-Timing: how long the plan took, and
// whether the response was in the cache.
func AppendTiming(out []byte, cached bool, took time.Duration) []byte {
	if cached {
		out = append(out, "cache;desc=hit, "...)
	}
	out = append(out, "plan;dur="...)
	return strconv.AppendFloat(out, float64(took.Microseconds())/1000, 'f', -1, 64)
}
