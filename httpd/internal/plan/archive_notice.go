package httpd

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

// leftOut is what cannot be in an archive, because it cannot be read.
type leftOut struct {
	names    []string  // beneath the top; a directory, of which the content is not there, ends in a slash
	modified time.Time // of the latest of them
}

// add leaves something out because of err. What is gone meanwhile nobody misses. It
// returns err if that does not say anything about the file.
func (l *leftOut) add(rel string, info fs.FileInfo, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case vfs.IsExhausted(err), errors.Is(err, vfs.ErrHangs):
		return err
	}
	l.names = append(l.names, rel)
	if m := info.ModTime(); m.After(l.modified) {
		l.modified = m
	}
	return nil
}

// maxNamed is how many names a notice has. More would hide that there are any.
const maxNamed = 1000

// notice returns a file that tells what is left out. It is a function of that and of
// the names of the entries, so that an archive is the same each time.
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

// noticeName returns a name in the directory top that no entry has, also where
// capitals make no difference.
func noticeName(top string, entries []archive.Entry) string {
	name := path.Join(top, "UNREADABLE-FILES.txt")
	isTaken := func(e archive.Entry) bool { return strings.EqualFold(e.Name, name) }
	for n := 2; slices.ContainsFunc(entries, isTaken); n++ {
		name = path.Join(top, fmt.Sprintf("UNREADABLE-FILES-%d.txt", n))
	}
	return name
}

// printable replaces control characters, as archives do in names.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '_'
	}
	return r
}
