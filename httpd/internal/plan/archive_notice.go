package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/internal/archive"
	"sluice/internal/vfs"
)

// leftOut holds the files that an archive lacks because they cannot be read.
type leftOut struct {
	names    []string  // relative to the top; that of a directory, whose content is missing, ends in a slash
	modified time.Time // of the latest of them
}

// add leaves out a file because of err, or ignores it if it no longer exists. It
// returns err if err has another cause than the file.
func (l *leftOut) add(rel string, info fs.FileInfo, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case vfs.IsExhausted(err), errors.Is(err, vfs.ErrNotResponding), vfs.IsUnavailable(err), vfs.StoreFailure(err) != nil:
		return err
	}
	l.names = append(l.names, rel)
	if m := info.ModTime(); m.After(l.modified) {
		l.modified = m
	}
	return nil
}

// maxNamed is how many names a notice has at most: people should read it.
const maxNamed = 1000

// notice returns a file that names the files that are left out. It depends only on
// these and on the names of the entries, so that an archive is the same each time.
func (l *leftOut) notice(top string, entries []archive.Entry) archive.Entry {
	var b strings.Builder
	b.WriteString("Not in this archive, because the server cannot read it:\n\n")
	for _, name := range l.names[:min(len(l.names), maxNamed)] {
		b.WriteString(strings.Map(printable, path.Join(top, name)))
		if strings.HasSuffix(name, "/") {
			b.WriteString("/*")
		}
		b.WriteByte('\n')
	}
	if more := len(l.names) - maxNamed; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	return archive.Entry{
		Name: noticeName(top, entries), Modified: l.modified, Mode: 0o644,
		Content: []byte(b.String()),
	}
}

// noticeName returns a name in the directory top that no entry has, not even where
// names do not distinguish capital letters.
func noticeName(top string, entries []archive.Entry) string {
	name := path.Join(top, "UNREADABLE-FILES.txt")
	isTaken := func(e archive.Entry) bool { return strings.EqualFold(e.Name, name) }
	for n := 2; slices.ContainsFunc(entries, isTaken); n++ {
		name = path.Join(top, fmt.Sprintf("UNREADABLE-FILES-%d.txt", n))
	}
	return name
}

// printable replaces control characters, as package archive does in names.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '_'
	}
	return r
}
