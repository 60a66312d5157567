package list

import (
	"io/fs"
	"strconv"
	"time"

	"sluice/ftpd/internal/control"
)

// recent is the age up to which ls shows the time rather than the year (POSIX: six
// months).
const recent = 182 * 24 * time.Hour

// AppendLong appends a line for LIST to b, CRLF included, in the format of "ls -l", which
// clients expect: mode, links, owner, group, size, date, name, and the target of a
// symbolic link. Times are in UTC, as in MLSD and MDTM.
func (v *View) AppendLong(b []byte, it Item) []byte {
	links, owner, group := uint64(1), "ftp", "ftp"
	b = appendMode(b, it.Info.Mode())
	if id, ok := identify(it.Info); ok && v.HostIDs {
		links, owner, group = id.links, strconv.FormatUint(id.owner, 10), strconv.FormatUint(id.group, 10)
	}
	b = append(b, ' ')
	b = strconv.AppendUint(b, links, 10)
	b = appendPadded(append(b, ' '), owner, 8, false)
	b = appendPadded(append(b, ' '), group, 8, false)
	size := int64(len(it.target()))
	if it.Info.Mode().IsRegular() { // the size of a directory depends on the file system
		size = it.Info.Size()
	}
	b = appendPadded(append(b, ' '), strconv.FormatInt(size, 10), 12, true)
	b = append(b, ' ')
	date, modified := "Jan _2  2006", it.Info.ModTime()
	if modified.IsZero() { // as that of a directory of an object store; clients need some date
		modified = time.Unix(0, 0)
	}
	if age := v.Now.Sub(modified); age < recent && age > -time.Hour { // the clocks of a file server may differ
		date = "Jan _2 15:04"
	}
	b = modified.UTC().AppendFormat(b, date)
	b = control.AppendPrintable(append(b, ' '), it.Name)
	return append(appendArrow(b, &it), "\r\n"...)
}

// AppendName appends the line of NLST for it to b: the name and CRLF. Control
// characters in the name become ?, as in [control.AppendPrintable].
func (v *View) AppendName(b []byte, it Item) []byte {
	return append(control.AppendPrintable(b, it.Name), "\r\n"...)
}

// appendMode appends the ten mode characters of ls. fs.FileMode.String has other letters,
// and sometimes more of them, which would shift the columns.
func appendMode(b []byte, mode fs.FileMode) []byte {
	b = append(b, letter(mode))
	const letters = "rwxrwxrwx"
	for i, c := range []byte(letters) {
		if mode&(1<<(len(letters)-1-i)) == 0 {
			c = '-'
		}
		b = append(b, c)
	}
	return b
}

// appendPadded appends s, padded with spaces to at least n characters. right aligns it to
// the right.
func appendPadded(b []byte, s string, n int, right bool) []byte {
	if !right {
		b = append(b, s...)
	}
	for range n - len(s) {
		b = append(b, ' ')
	}
	if right {
		b = append(b, s...)
	}
	return b
}
