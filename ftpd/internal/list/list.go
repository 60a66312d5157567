package list

import (
	"io/fs"
	"time"

	"sluice/internal/account"
)

// Item is a file or directory under the name by which it is listed.
type Item struct {
	Info fs.FileInfo // of what a symbolic link leads to; its Name is not used
	Name string      // as it is on the disk
	Type string      // the fact "type"; "": what the mode says
}

// View is what all lines of a listing have in common.
type View struct {
	Now     time.Time      // decides whether LIST shows the time or the year
	Rights  account.Rights // of the user, for the fact "perm"
	HostIDs bool           // LIST shows links, and owners and groups by their numbers on the host
	Facts   FactSet        // shown by AppendFacts
}

// A Format appends the line of an item, CRLF included, to b.
type Format func(v *View, b []byte, it Item) []byte

var formats = map[string]Format{
	"LIST": (*View).AppendLong,
	"NLST": (*View).AppendName,
	"MLSD": (*View).AppendFacts,
}

// FormatOf returns the format of the command LIST, NLST or MLSD, and nil for
// any other.
func FormatOf(command string) Format { return formats[command] }

// Items returns the entries of a directory as items, in the same order, each
// with prefix before its own name.
func Items(entries []fs.FileInfo, prefix string) []Item {
	items := make([]Item, 0, len(entries))
	for _, info := range entries {
		items = append(items, Item{Info: info, Name: prefix + info.Name()})
	}
	return items
}
