package httpd

import (
	"errors"
	"math"
	"strings"
)

// byteRange is a part of a representation: n bytes from off on.
type byteRange struct{ off, n int64 }

// errUnsatisfiable says that a range is well formed and has no byte in common
// with the representation.
var errUnsatisfiable = errors.New("range not satisfiable")

// parseRange finds the one range that a Range header asks of size bytes
// (RFC 9110, 14.1.2 and 14.2). It returns ok false for whatever is to be
// answered as if there were no such header: other units, bad syntax, and a
// set of several ranges, which a server may ignore.
func parseRange(header string, size int64) (r byteRange, ok bool, err error) {
	unit, set, found := strings.Cut(header, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return r, false, nil
	}
	first, last, found := strings.Cut(strings.Trim(set, " \t"), "-")
	if !found {
		return r, false, nil
	}

	if first == "" {
		suffix, valid := parsePosition(last)
		switch {
		case !valid:
			return r, false, nil
		case suffix == 0:
			return r, false, errUnsatisfiable
		case size == 0:
			return r, false, nil // all of nothing, which no Content-Range can say
		}
		n := min(suffix, size)
		return byteRange{size - n, n}, true, nil
	}

	begin, valid := parsePosition(first)
	if !valid {
		return r, false, nil
	}
	end := int64(math.MaxInt64) - 1
	if last != "" {
		if end, valid = parsePosition(last); !valid || end < begin {
			return r, false, nil
		}
	}
	if begin >= size {
		return r, false, errUnsatisfiable
	}
	end = min(end, size-1)
	return byteRange{begin, end - begin + 1}, true, nil
}

// parsePosition parses 1*DIGIT. What does not fit is as far away as can be:
// no file is that long.
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
