package plan

import (
	"iter"
	"strings"
)

// weights yields the elements of a list such as Accept's, each with its weight
// in thousandths (RFC 9110, 12.4.2). Parameters other than q are dropped. An
// invalid weight counts as 0, which means "not this".
func weights(list string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for element := range strings.SplitSeq(list, ",") {
			value, params, _ := strings.Cut(element, ";")
			value = strings.ToLower(strings.Trim(value, " \t"))
			if value != "" && !yield(value, weightIn(params)) {
				return
			}
		}
	}
}

func weightIn(params string) int {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.Trim(name, " \t"), "q") {
			return parseWeight(strings.Trim(value, " \t"))
		}
	}
	return 1000
}

// parseWeight parses a qvalue: 0 or 1, and up to three decimals.
func parseWeight(s string) int {
	if s == "" || len(s) > 5 || s[0] != '0' && s[0] != '1' || len(s) > 1 && s[1] != '.' {
		return 0
	}
	weight, unit := int(s[0]-'0')*1000, 100
	for _, c := range []byte(s[min(2, len(s)):]) {
		if c < '0' || c > '9' {
			return 0
		}
		weight += int(c-'0') * unit
		unit /= 10
	}
	if weight > 1000 {
		return 0
	}
	return weight
}

// preferred returns the media type among the offered ones that an Accept field
// weighs most, the first of equals. If none is acceptable it returns the first:
// a response in another type is better than 406 (RFC 9110, 12.5.1).
func preferred(accept string, offered ...string) string {
	best, bestWeight := offered[0], 0
	for _, mediaType := range offered {
		if w := typeWeight(accept, mediaType); w > bestWeight {
			best, bestWeight = mediaType, w
		}
	}
	return best
}

// typeWeight returns the weight of the most specific range that includes the
// media type. An absent field accepts everything.
func typeWeight(accept, mediaType string) int {
	if accept == "" {
		return 1000
	}
	major, _, _ := strings.Cut(mediaType, "/")
	weight, specific := 0, 0
	for pattern, w := range weights(accept) {
		s := 0
		switch pattern {
		case mediaType:
			s = 3
		case major + "/*":
			s = 2
		case "*/*":
			s = 1
		}
		if s > specific {
			weight, specific = w, s
		}
	}
	return weight
}

// names reports whether an Accept field has the media type itself, not only a range
// that includes it. Browsers name text/html when they want a page; programs that
// fetch whatever there is send */* or nothing.
func names(accept, mediaType string) bool {
	for pattern, weight := range weights(accept) {
		if pattern == mediaType && weight > 0 {
			return true
		}
	}
	return false
}
