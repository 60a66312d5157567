package list

import (
	"io/fs"
	"time"

	"sluice/internal/account"
)

// Item is an entry of a directory under the name by which it is listed.
type Item struct {
	Info fs.FileInfo // of the entry itself, be it a symbolic link; its Name is not used
	Link *Link       // of a symbolic link, and nil of anything else
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
