package load

import (
	"fmt"
	"strconv"
	"strings"
)

// mostURLs is how many URLs Expand returns at most.
const mostURLs = 1_000_000

// Expand replaces each {a..b}, where a and b are whole numbers, with all numbers
// from a to b: http://host/{1..1000}.bin names a thousand files. A zero in front
// of a, as in {001..100}, makes all as long as a. Several ranges in a URL make
// all combinations. Other braces stay. More than a million URLs are an error.
func Expand(urls []string) ([]string, error) {
	var all []string
	for _, url := range urls {
		expanded, err := expand(url)
		if err != nil {
			return nil, err
		}
		if all = append(all, expanded...); len(all) > mostURLs {
			return nil, fmt.Errorf("more than %d URLs", mostURLs)
		}
	}
	return all, nil
}

// expand replaces the ranges of one URL.
func expand(url string) ([]string, error) {
	for at := 0; ; {
		open := strings.IndexByte(url[at:], '{')
		if open < 0 {
			return []string{url}, nil
		}
		open += at
		at = open + 1
		end := strings.IndexByte(url[at:], '}')
		if end < 0 {
			return []string{url}, nil
		}
		end += at
		from, to, ok := strings.Cut(url[at:end], "..")
		first, err1 := strconv.ParseUint(from, 10, 32)
		last, err2 := strconv.ParseUint(to, 10, 32)
		if !ok || err1 != nil || err2 != nil || last < first {
			continue // these braces are part of a name
		}
		width := 1
		if from[0] == '0' {
			width = len(from)
		}
		rests, err := expand(url[end+1:])
		if err != nil {
			return nil, err
		}
		if (last-first+1)*uint64(len(rests)) > mostURLs {
			return nil, fmt.Errorf("%s: more than %d URLs", Redact(url), mostURLs)
		}
		var all []string
		for n := first; n <= last; n++ {
			for _, rest := range rests {
				all = append(all, fmt.Sprintf("%s%0*d%s", url[:open], width, n, rest))
			}
		}
		return all, nil
	}
}
