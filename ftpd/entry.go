package ftpd

import (
	"io/fs"
	"strings"
	"time"
)

// entry is a file as listings show it. The library prints what it says as it
// is, so it must not be able to break a line or a column.
type entry struct {
	info  fs.FileInfo
	name  string // printable
	named func() // called with each Name: the library is about to write it
}

var _ fs.FileInfo = (*entry)(nil)

// Name returns the name without control characters.
func (e *entry) Name() string {
	e.named()
	return e.name
}

// Size returns the size in bytes.
func (e *entry) Size() int64 { return e.info.Size() }

// Mode returns what prints as the ten characters of ls: Go's own letters for
// set-user-ID, sticky and the like would shift the columns.
func (e *entry) Mode() fs.FileMode { return e.info.Mode() & (fs.ModeDir | fs.ModePerm) }

// ModTime is in UTC, so that LIST says the same as MLSD and MDTM.
func (e *entry) ModTime() time.Time { return e.info.ModTime().UTC() }

// IsDir reports whether the file is a directory.
func (e *entry) IsDir() bool { return e.info.IsDir() }

// Sys returns nil: nothing of the host goes through the library.
func (e *entry) Sys() any { return nil }

// printable puts ? for the control characters of ASCII: a line feed in a name
// would forge a line of a listing, an escape would reach a terminal. Other
// bytes stay, whatever their encoding.
func printable(name string) string {
	if !strings.ContainsFunc(name, isControl) {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		if isControl(rune(c)) {
			b[i] = '?'
		}
	}
	return string(b)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
