package list

import (
	"io/fs"
	"strings"
)

// Link describes where a symbolic link leads.
type Link struct {
	Target string      // the text of the link; "": not known, or hidden from the client
	End    fs.FileInfo // the regular file or directory at the end of the chain of links; nil: none
}

// LeadsTo describes the file or directory that a command which follows links finds under
// the item's name; nil: none.
func (it *Item) LeadsTo() fs.FileInfo {
	if it.Link != nil {
		return it.Link.End
	}
	return it.Info
}

// LeadsToDir reports whether the item can be entered.
func (it *Item) LeadsToDir() bool {
	info := it.LeadsTo()
	return info != nil && info.IsDir()
}

// facts returns the FileInfo that MLSD shows: for a link to a file that of the file, for
// any other link that of the link.
func (it *Item) facts() fs.FileInfo {
	if info := it.LeadsTo(); info != nil && !info.IsDir() {
		return info
	}
	return it.Info
}

// kind returns the fact "type" of the item. Types of Unix have the form of RFC 3659, 7.5.1
// and 7.7.4, without device numbers.
func (it *Item) kind() string {
	mode := it.facts().Mode()
	switch {
	case it.Type != "":
		return it.Type
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "dir"
	}
	switch letter(mode) {
	case 'p':
		return "OS.unix=fifo"
	case 's':
		return "OS.unix=socket"
	case 'b':
		return "OS.unix=blk"
	case 'c':
		return "OS.unix=chr"
	}
	if it.Link == nil || it.Link.Target == "" || strings.ContainsAny(it.Link.Target, " ;") || hasControl(it.Link.Target) {
		return "OS.unix=slink"
	}
	return "OS.unix=slink:" + it.Link.Target
}

// letter returns the letter of ls for the type of a file. Types that ls does not have, such
// as a junction of Windows, get the letter of a link, so that clients do not open them.
func letter(mode fs.FileMode) byte {
	switch mode.Type() {
	case 0:
		return '-'
	case fs.ModeDir:
		return 'd'
	case fs.ModeNamedPipe:
		return 'p'
	case fs.ModeSocket:
		return 's'
	case fs.ModeDevice:
		return 'b'
	case fs.ModeDevice | fs.ModeCharDevice:
		return 'c'
	}
	return 'l'
}

// appendArrow appends the target of a link in the format of ls.
func appendArrow(b []byte, it *Item) []byte {
	if target := it.target(); target != "" {
		b = append(append(b, " -> "...), target...)
	}
	return b
}

// target returns the target of a link for LIST; "": none. A target with control characters
// is not shown, because they could forge lines; replacing them would make another name.
func (it *Item) target() string {
	if it.Link == nil || hasControl(it.Link.Target) {
		return ""
	}
	return it.Link.Target
}

// hasControl reports whether text has control characters of ASCII.
func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f })
}
