package ftpd

import (
	"io/fs"
	"strconv"
	"time"
)

// recent is how young a file must be for ls to tell the time rather than the
// year (POSIX: six months).
const recent = 182 * 24 * time.Hour

// appendLong appends a line of "ls -l", which is what clients take LIST to be:
// mode, links, owner, group, size, date, name. Times are UTC, so that LIST says
// the same as MLSD and MDTM.
func (v *view) appendLong(b []byte, it item) []byte {
	links, owner, group := uint64(1), "ftp", "ftp"
	b = appendMode(b, it.Mode())
	if id, ok := identify(it.FileInfo); ok && v.hosts {
		links, owner, group = id.links, strconv.FormatUint(id.owner, 10), strconv.FormatUint(id.group, 10)
	}
	b = append(b, ' ')
	b = strconv.AppendUint(b, links, 10)
	b = appendPadded(append(b, ' '), owner, 8, false)
	b = appendPadded(append(b, ' '), group, 8, false)
	size := it.Size()
	if it.IsDir() { // that of the host's own bookkeeping
		size = 0
	}
	b = appendPadded(append(b, ' '), strconv.FormatInt(size, 10), 12, true)
	b = append(b, ' ')
	date := "Jan _2  2006"
	if age := v.now.Sub(it.ModTime()); age < recent && age > -time.Hour { // clocks differ
		date = "Jan _2 15:04"
	}
	b = it.ModTime().UTC().AppendFormat(b, date)
	return v.appendName(append(b, ' '), it)
}

// appendName appends the name alone.
func (v *view) appendName(b []byte, it item) []byte {
	return append(appendPrintable(b, it.name), "\r\n"...)
}

// appendMode appends the ten characters of ls. Other types and bits than these
// are nobody's business, and Go's own letters would shift the columns.
func appendMode(b []byte, mode fs.FileMode) []byte {
	kind := byte('-')
	if mode.IsDir() {
		kind = 'd'
	}
	b = append(b, kind)
	const letters = "rwxrwxrwx"
	for i, c := range []byte(letters) {
		if mode&(1<<(len(letters)-1-i)) == 0 {
			c = '-'
		}
		b = append(b, c)
	}
	return b
}

// appendPadded appends s with spaces to n characters at least.
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

// appendPrintable appends name with ? for the control characters of ASCII: a
// line feed in a name would forge a line of a listing, an escape would reach a
// terminal. Other bytes stay, whatever their encoding.
func appendPrintable(b []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		if c < ' ' || c == 0x7f {
			c = '?'
		}
		b = append(b, c)
	}
	return b
}

// printable returns what appendPrintable appends.
func printable(name string) string { return string(appendPrintable(nil, name)) }
