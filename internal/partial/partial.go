// Package partial knows the names of uploads that are not whole.
//
// Such a file lies next to what it is to become. Package upload makes, keeps and removes it; no client of any protocol
// sees or reaches it, whatever else is shown to it.
package partial

import "strings"

// What a name begins and ends with.
const (
	Prefix = "."
	Suffix = ".sluice-part"

	upper = ".SLUICE-PART"
)

// Is reports whether a file whose last element is base is an upload that is not whole. Capitals do not matter: to many
// file systems such names are the same.
func Is(base string) bool {
	return strings.HasPrefix(base, Prefix) && strings.HasSuffix(strings.ToUpper(base), upper)
}

// IsIn reports whether an element of a path with slashes is such a name.
func IsIn(path string) bool {
	for element := range strings.SplitSeq(path, "/") {
		if Is(element) {
			return true
		}
	}
	return false
}
