package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd/internal/plan"
)

// many returns n ranges of 10 bytes, the given distance from one to the next, and apart what is sent for them.
func many(n int, distance int64) string {
	field := "bytes="
	for i := range int64(n) {
		field += fmt.Sprintf("%d-%d,", i*distance, i*distance+9)
	}
	return strings.TrimSuffix(field, ",")
}

func apart(n int, distance int64) (ranges [][2]int64) {
	for i := range int64(n) {
		ranges = append(ranges, [2]int64{i * distance, 10})
	}
	return ranges
}

func TestParseRanges(t *testing.T) {
	const big = "99999999999999999999999999"
	type ranges = [][2]int64 // offset and length
	unsatisfiable := plan.ErrUnsatisfiable
	for _, tt := range []struct {
		name  string
		field string
		size  int64
		want  ranges
		err   error
	}{
		{"a closed range", "bytes=0-499", 1000, ranges{{0, 500}}, nil},
		{"a range of one byte", "bytes=5-5", 1000, ranges{{5, 1}}, nil},
		{"the last byte", "bytes=999-999", 1000, ranges{{999, 1}}, nil},
		{"an open range", "bytes=900-", 1000, ranges{{900, 100}}, nil},
		{"an open range of all", "bytes=0-", 1000, ranges{{0, 1000}}, nil},
		{"a suffix", "bytes=-100", 1000, ranges{{900, 100}}, nil},
		{"a suffix of all", "bytes=-1000", 1000, ranges{{0, 1000}}, nil},
		{"a suffix longer than the file", "bytes=-2000", 1000, ranges{{0, 1000}}, nil},
		{"an end beyond the file", "bytes=900-2000", 1000, ranges{{900, 100}}, nil},
		{"an end beyond every file", "bytes=900-" + big, 1000, ranges{{900, 100}}, nil},
		{"a suffix beyond every file", "bytes=-" + big, 1000, ranges{{0, 1000}}, nil},
		{"the largest end that is a number", "bytes=0-9223372036854775807", 1000, ranges{{0, 1000}}, nil},
		{"the unit in capitals", "BYTES=0-0", 1000, ranges{{0, 1}}, nil},
		{"space around the range", "bytes= 0-0 ", 1000, ranges{{0, 1}}, nil},

		{"a begin at the end", "bytes=1000-", 1000, nil, unsatisfiable},
		{"a begin beyond every file", "bytes=" + big + "-", 1000, nil, unsatisfiable},
		{"the last no bytes (golang/go#81262)", "bytes=-0", 1000, nil, unsatisfiable},
		{"the last no bytes of nothing", "bytes=-0", 0, nil, unsatisfiable},
		{"the first byte of nothing", "bytes=0-0", 0, nil, unsatisfiable},
		{"only unsatisfiable ranges", "bytes=-0,1000-,2000-2001", 1000, nil, unsatisfiable},
		{"a suffix of nothing is all of it", "bytes=-5", 0, nil, nil},
		{"a suffix of nothing next to an unsatisfiable range", "bytes=0-0,-5", 0, nil, nil},

		{"two ranges", "bytes=0-9,500-509", 1000, ranges{{0, 10}, {500, 10}}, nil},
		{"the order of the request stays", "bytes=500-509,0-9", 1000, ranges{{500, 10}, {0, 10}}, nil},
		{"the first and the last byte", "bytes=0-0,-1", 1000, ranges{{0, 1}, {999, 1}}, nil},
		{"unsatisfiable ranges are left out", "bytes=0-9,1000-1009,-0", 1000, ranges{{0, 10}}, nil},
		{"ranges that overlap are one", "bytes=0-600,500-899", 1000, ranges{{0, 900}}, nil},
		{"ranges that touch are one", "bytes=0-499,500-899", 1000, ranges{{0, 900}}, nil},
		{"a gap smaller than the header of a part is sent along", "bytes=0-0,80-80", 1000, ranges{{0, 81}}, nil},
		{"a gap as large as that is not", "bytes=0-0,81-81", 1000, ranges{{0, 1}, {81, 1}}, nil},
		{"a range within another", "bytes=0-899,100-199", 1000, ranges{{0, 900}}, nil},
		{"a joined range stands where the first of its ranges stood", "bytes=500-599,0-9,550-650", 1000, ranges{{500, 151}, {0, 10}}, nil},
		{"joining joins again", "bytes=0-9,300-309,5-305", 1000, ranges{{0, 310}}, nil},
		{"the same over and over", "bytes=" + strings.Repeat("5-9,", 20) + "5-9", 1000, ranges{{5, 5}}, nil},
		{"empty elements do not count", "bytes=,0-0, ,", 1000, ranges{{0, 1}}, nil},
		{"space between the ranges", "bytes=0-9 ,\t500-509", 1000, ranges{{0, 10}, {500, 10}}, nil},

		{"more than anybody needs", "bytes=0-0" + strings.Repeat(",500-500", plan.MaxRanges), 1000, nil, nil},
		{"a range over and over", "bytes=0-0" + strings.Repeat(",500-500", 64), 1000, nil, nil},
		{"many, as zchunk asks for", many(255, 1000), 1 << 20, apart(255, 1000), nil},
		{"more than 255", many(256, 1000), 1 << 20, nil, nil},
		{"many of which two overlap", many(200, 1000) + ",5-6", 1 << 20, nil, nil},
		{"many that touch are few", many(255, 10), 1 << 20, ranges{{0, 2550}}, nil},
		{"one bad range spoils the set", "bytes=0-9,x", 1000, nil, nil},
		{"two fields joined", "bytes=0-1, bytes=2-3", 1000, nil, nil},
		{"another unit", "lines=0-1", 1000, nil, nil},
		{"no unit", "0-1", 1000, nil, nil},
		{"no range", "bytes=", 1000, nil, nil},
		{"only commas", "bytes=,,", 1000, nil, nil},
		{"only a hyphen", "bytes=-", 1000, nil, nil},
		{"backwards", "bytes=5-4", 1000, nil, nil},
		{"a sign", "bytes=+1-2", 1000, nil, nil},
		{"a negative begin", "bytes=--1", 1000, nil, nil},
		{"hexadecimal", "bytes=0x1-0x2", 1000, nil, nil},
		{"space inside", "bytes=1 -2", 1000, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := plan.ParseRanges(tt.field, tt.size)
			if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v; offsets and lengths (-want +got):\n%s", err, tt.err, diff)
			}
		})
	}
}

// Attacks on other servers requested much by little (CVE-2011-3192), or more than a
// number can hold (CVE-2017-7529).
func TestHostileRangesAreBounded(t *testing.T) {
	const size = 1 << 20
	overlapping := "bytes=0-"
	for i := range 60 {
		overlapping += fmt.Sprintf(",%d-", i)
	}
	for name, field := range map[string]string{
		"many that overlap":     overlapping,
		"a suffix that wraps":   "bytes=-1048000,-9223372036854774591",
		"suffixes that add up":  "bytes=-1048576,-1048575,-1048574",
		"more than is allowed":  "bytes=" + strings.Repeat("0-,", 1300) + "0-",
		"far apart, the limit":  "bytes=0-0" + strings.Repeat(",1000-1000,5000-5000", 31),
		"sparse over the whole": "bytes=0-524287,524388-1048575",
	} {
		t.Run(name, func(t *testing.T) {
			ranges, err := plan.ParseRanges(field, size)
			if err != nil {
				t.Fatal(err)
			}
			checkRanges(t, field, ranges, size)
		})
	}
}

func FuzzParseRanges(f *testing.F) {
	for _, field := range []string{
		"bytes=0-", "bytes=-1", "bytes=5-4", "bytes=9223372036854775807-", "bytes=0-9223372036854775807",
		"bytes=0-0,-1", "bytes=0-9,5-20,900-", "bytes=-0", "bytes=,1-2,",
	} {
		f.Add(field, int64(1000))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		ranges, err := plan.ParseRanges(field, size)
		if err != nil && ranges != nil {
			t.Errorf("%q of %d: both ranges and %v", field, size, err)
		}
		checkRanges(t, field, ranges, size)
	})
}

// checkRanges checks that the ranges lie inside and that no byte is sent twice.
func checkRanges(t *testing.T, field string, ranges [][2]int64, size int64) {
	t.Helper()
	for i, r := range ranges {
		if r[0] < 0 || r[1] < 1 || r[0] > size-r[1] {
			t.Errorf("%q of %d: %d bytes at %d are not inside", field, size, r[1], r[0])
		}
		for _, other := range ranges[:i] {
			if r[0]-(other[0]+other[1]) < plan.CoalesceBelow && other[0]-(r[0]+r[1]) < plan.CoalesceBelow {
				t.Errorf("%q of %d: %v and %v should have been one", field, size, other, r)
			}
		}
	}
}
