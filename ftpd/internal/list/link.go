package list

import (
	"io/fs"
	"strings"
)

// Link is where a symbolic link leads.
type Link struct {
	Target string      // what it holds; "": the client must not know, or nobody knows
	End    fs.FileInfo // of the regular file or directory that it leads to in the end; nil: there is none
}

// LeadsTo describes what a command that follows links finds under the item's name;
// nil: nothing.
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

// facts describes the item as MLSD does: a link to a file is that file, any other
// link is itself.
func (it *Item) facts() fs.FileInfo {
	if info := it.LeadsTo(); info != nil && !info.IsDir() {
		return info
	}
	return it.Info
}

// kind returns the fact "type" of the item. Those of Unix are in the form of RFC
// 3659, 7.5.1 and 7.7.4, without the numbers of devices.
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

// letter returns the type of a file as ls shows it. What has none there, such as a
// junction of Windows, is shown as a link: clients neither fetch nor enter it.
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

// appendArrow appends where a link leads, as ls does.
func appendArrow(b []byte, it *Item) []byte {
	if target := it.target(); target != "" {
		b = append(append(b, " -> "...), target...)
	}
	return b
}

// target returns what LIST shows of what a link holds. Control characters could
// forge lines; with others in their place it would be another name.
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
