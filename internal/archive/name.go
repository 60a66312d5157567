package archive

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// Reasons to refuse an entry.
var (
	errEmptyName = errors.New("archive: an entry without a name")
	errLongName  = errors.New("archive: a name longer than 65,000 bytes")
	errSize      = errors.New("archive: a negative size")
)

// maxName is how long a name may be, in bytes: a zip has 16 bits for the length, and a directory gets a slash.
const maxName = 65_000

// checked returns a copy of the entries with clean names. Those of directories end in a slash.
func checked(entries []Entry) ([]Entry, error) {
	clean := make([]Entry, len(entries))
	seen := make(map[string]bool, len(entries))
	for i, e := range entries {
		name := cleanName(e.Name)
		switch {
		case name == "":
			return nil, fmt.Errorf("%w: %q", errEmptyName, e.Name)
		case len(name) > maxName:
			return nil, fmt.Errorf("%w: it begins with %.40q", errLongName, name)
		case seen[name]:
			return nil, fmt.Errorf("archive: two entries are called %q", name)
		case e.Size < 0:
			return nil, fmt.Errorf("%w: %q", errSize, name)
		}
		seen[name] = true
		switch {
		case e.Dir:
			name, e.Size = name+"/", 0
		case e.Content != nil:
			e.Size = int64(len(e.Content))
		}
		e.Name = name
		clean[i] = e
	}
	return clean, nil
}

// cleanName returns name as an archive may have it, or "" if nothing is left of it.
func cleanName(name string) string {
	clean := []byte(path.Clean("/" + name)[1:]) // each ".." that would climb above the top is dropped
	for i, c := range clean {
		drive := c == ':' && i == 1 && letter(clean[0])
		if c == '\\' || c < ' ' || c == 0x7f || drive {
			clean[i] = '_'
		}
	}
	return string(clean)
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isASCII reports whether all readers decode the name in the same way.
func isASCII(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
