package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a number of bytes as people write it: 1500, 64KiB, 64K (the same),
// 1MB (a million).
type size int64

// units are powers of 1024, except where a B says that they are of 1000.
var units = []struct {
	suffix string
	factor int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40},
	{"b", 1},
}

// Set implements pflag.Value.
func (s *size) Set(text string) error {
	number, factor := strings.ToLower(strings.TrimSpace(text)), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return fmt.Errorf("%q is no size: write it like 1500, 64KiB or 1GB", text)
	}
	*s = size(n * factor)
	return nil
}

// String implements pflag.Value. It uses the largest binary unit that leaves
// no fraction.
func (s size) String() string {
	for i := 3; i >= 0; i-- {
		if n := int64(s); n != 0 && n%units[i].factor == 0 {
			return strconv.FormatInt(n/units[i].factor, 10) + []string{"KiB", "MiB", "GiB", "TiB"}[i]
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Type implements pflag.Value.
func (*size) Type() string { return "size" }
