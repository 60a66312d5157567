package plan

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
)

// byteRange is a part of a representation: n bytes from off on.
type byteRange struct{ off, n int64 }

func (r byteRange) end() int64 { return r.off + r.n }

// errUnsatisfiable means that a set of ranges is well formed and has no byte in
// common with the representation.
var errUnsatisfiable = errors.New("range not satisfiable")

const (
	// maxRanges is how many ranges a request may have. The response to more is
	// the whole file: the request is an attack (CVE-2011-3192), or the client is
	// better served by it. zchunk, which dnf uses, asks for up to 255 at once.
	maxRanges = 255

	// maxOverlapping is how many ranges a request may have of which some overlap. Nobody
	// needs more.
	maxOverlapping = 64

	// minGap is the least distance of two ranges that become two parts: the header
	// of a part is about as long (RFC 9110, 15.3.7.2).
	minGap = 80
)

// parseRanges appends to ranges, which is empty, those that a Range field asks for in a
// representation of size bytes (RFC 9110, 14.1.2 and 14.2), in the order of the field. Ranges that
// overlap or nearly touch are joined, so that no byte is sent twice; ranges that
// begin beyond the end are left out. Nil without an error means that the field must
// be ignored: other units, bad syntax, too many ranges, or many that overlap.
func parseRanges(ranges []byteRange, field string, size int64) ([]byteRange, error) {
	unit, set, found := strings.Cut(field, "=")
	if !found || !strings.EqualFold(strings.Trim(unit, " \t"), "bytes") {
		return nil, nil
	}
	n := strings.Count(set, ",") + 1
	if n > maxRanges {
		return nil, nil
	}
	asked, satisfiable := false, false
	for spec := range strings.SplitSeq(set, ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue // RFC 9110, 5.6.1.2
		}
		r, has, ok := parseRange(spec, size)
		if !ok {
			return nil, nil
		}
		asked = true
		satisfiable = satisfiable || has
		if r.n > 0 {
			ranges = append(ranges, r)
		}
	}
	if asked && !satisfiable {
		return nil, errUnsatisfiable
	}
	if n > maxOverlapping && overlap(ranges) {
		return nil, nil
	}
	return coalesce(ranges), nil
}

// overlap reports whether two of the ranges have a byte in common.
func overlap(ranges []byteRange) bool {
	order := slices.Clone(ranges)
	slices.SortFunc(order, func(a, b byteRange) int { return cmp.Compare(a.off, b.off) })
	for i := range order[1:] {
		if order[i].end() > order[i+1].off {
			return true
		}
	}
	return false
}

// parseRange parses one range. A suffix of an empty file, "-5", is satisfiable and
// empty; no Content-Range can express that.
func parseRange(spec string, size int64) (r byteRange, satisfiable, ok bool) {
	first, last, found := strings.Cut(spec, "-")
	if !found {
		return r, false, false
	}
	if first == "" {
		suffix, valid := parsePosition(last)
		n := min(suffix, size)
		return byteRange{size - n, n}, suffix > 0, valid
	}
	begin, valid := parsePosition(first)
	if !valid {
		return r, false, false
	}
	end := int64(math.MaxInt64) - 1
	if last != "" {
		if end, valid = parsePosition(last); !valid || end < begin {
			return r, false, false
		}
	}
	if begin >= size {
		return r, false, true
	}
	end = min(end, size-1)
	return byteRange{begin, end - begin + 1}, true, true
}

// coalesce joins ranges that overlap or are less than minGap bytes apart. A
// joined range takes the place of its first range in the field.
func coalesce(ranges []byteRange) []byteRange {
	if len(ranges) < 2 {
		return ranges
	}
	order := make([]int, len(ranges)) // of the ranges by offset
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ranges[a].off, ranges[b].off) })

	type joined struct {
		byteRange
		place int // in the field
	}
	var all []joined
	for _, i := range order {
		r := ranges[i]
		if len(all) > 0 {
			if last := &all[len(all)-1]; r.off-last.end() < minGap {
				last.n = max(last.end(), r.end()) - last.off
				last.place = min(last.place, i)
				continue
			}
		}
		all = append(all, joined{r, i})
	}
	slices.SortFunc(all, func(a, b joined) int { return a.place - b.place })
	ranges = ranges[:0]
	for _, j := range all {
		ranges = append(ranges, j.byteRange)
	}
	return ranges
}

// parsePosition parses 1*DIGIT. A number that is too large becomes the largest
// possible: no file is that long.
func parsePosition(s string) (n int64, ok bool) {
	if s == "" {
		return 0, false
	}
	const largest = math.MaxInt64 - 1 // so that 1 may be added
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n > (largest-9)/10 {
			n = largest
			continue
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
