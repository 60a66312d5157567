package ftpd

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"sluice/ftpd/internal/list"
)

// contentState is what commands about files leave to those that follow. It
// belongs to the command that is under way.
type contentState struct {
	wanted  *list.FactSet // by OPTS MLST; nil: all
	restart int64         // by REST, for the next transfer
	ranged  *span         // by RANG, for the next RETR or HASH; nil: none
	hash    *hashKind     // by OPTS HASH; nil: the default
	umask   *fs.FileMode  // by SITE UMASK; nil: the default
}

// span is a part of a file.
type span struct{ first, last int64 } // of bytes, both included

// takeStart returns where the next transfer begins and ends, which holds for
// that one alone; last is negative for the end of the file.
func (c *contentState) takeStart() (first, last int64) {
	first, last = c.restart, -1
	if c.ranged != nil {
		first, last = c.ranged.first, c.ranged.last
	}
	c.restart, c.ranged = 0, nil
	return first, last
}

// mask returns the permission bits that new files and directories do not get.
// That of the process comes on top.
func (c *contentState) mask() fs.FileMode {
	if c.umask != nil {
		return *c.umask
	}
	return 0o022
}

// restartAt answers REST.
func (s *session) restartAt(arg string) reply {
	n, ok := parseOffset(arg)
	if !ok {
		return say(501, "Not an offset in bytes")
	}
	s.content.restart, s.content.ranged = n, nil
	return say(350, fmt.Sprintf("Restarting at %d", n))
}

// rang answers RANG, the first and last byte of the next RETR or HASH (draft
// bryan-ftp-range). A last byte before the first takes the range back.
func (s *session) rang(arg string) reply {
	a, b, _ := strings.Cut(arg, " ")
	first, ok1 := parseOffset(a)
	last, ok2 := parseOffset(b)
	if !ok1 || !ok2 {
		return say(501, "Not two offsets in bytes")
	}
	s.content.restart, s.content.ranged = 0, nil
	if last < first {
		return say(350, "No range")
	}
	s.content.ranged = &span{first, last}
	return say(350, fmt.Sprintf("Range from %d to %d", first, last))
}

// parseOffset reads an offset of decimal digits.
func parseOffset(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil && s[0] != '+'
}
