package httpd

import (
	"io/fs"
	"strconv"
)

// etagOf returns a strong entity tag (RFC 9110, 8.8.3) that changes with every
// change of the file: its size and its time of modification in nanoseconds
// and, where the system tells them, its inode and its time of change, which
// no program can set back.
func etagOf(info fs.FileInfo) string {
	b := make([]byte, 0, 64)
	b = append(b, '"')
	b = strconv.AppendInt(b, info.Size(), 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, info.ModTime().UnixNano(), 36)
	if inode, changed, ok := identity(info); ok {
		b = append(b, '-')
		b = strconv.AppendUint(b, inode, 36)
		b = append(b, '-')
		b = strconv.AppendInt(b, changed, 36)
	}
	b = append(b, '"')
	return string(b)
}
