// Package partial defines the names of incomplete uploads.
//
// Package upload makes such a file next to its target, and renames or removes it in the end. No client of any protocol
// can see or open it, even if the server shows hidden files.
package partial

import "strings"

// Prefix and Suffix of the names.
const (
	Prefix = "."
	Suffix = ".sluice-part"

	upper = ".SLUICE-PART"
)

// Is reports whether base, the last element of a path, is the name of an incomplete upload. It ignores case, as many file
// systems do.
func Is(base string) bool {
	return strings.HasPrefix(base, Prefix) && strings.HasSuffix(strings.ToUpper(base), upper)
}

// IsIn reports whether any element of a path is such a name. The path has slashes.
func IsIn(path string) bool {
	for element := range strings.SplitSeq(path, "/") {
		if Is(element) {
			return true
		}
	}
	return false
}
