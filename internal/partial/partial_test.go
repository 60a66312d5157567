package partial_test

import (
	"testing"

	"sluice/internal/partial"
)

func TestNamesOfIncompleteUploads(t *testing.T) {
	for name, want := range map[string]bool{
		".f.0123456789abcdef.sluice-part":      true,
		".f.0123456789ABCDEF.SLUICE-PART":      true,
		".f.0123456789abcdef.Sluice-Part":      true,
		".f.0123456789abcdef.\u017fluice-part": true, // a long s, whose upper case is S
		".sluice-part":                         true,
		"f.0123456789abcdef.sluice-part":       false,
		".f.sluice-part.txt":                   false,
		"sluice-part":                          false,
		"":                                     false,
		"/.f.0123456789abcdef.sluice-part":     false, // not an element of a path
	} {
		if got := partial.Is(name); got != want {
			t.Errorf("Is(%q) = %v, want %v", name, got, want)
		}
		if in := partial.IsIn("/d/" + name + "/x"); in != (want || name != "" && name[0] == '/') {
			t.Errorf("IsIn of a path with %q = %v", name, in)
		}
	}
}
