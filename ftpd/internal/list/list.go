package list

import (
	"io/fs"
	"time"

	"sluice/internal/account"
)

// Item is a line of a listing: an entry of a directory and the name to show.
type Item struct {
	Info fs.FileInfo // of the entry, for a symbolic link that of the link; its Name is not used
	Link *Link       // nil if the entry is not a symbolic link
	Name string      // may contain any bytes
	Type string      // the fact "type"; "": from the mode
}

// View has the settings of a listing.
type View struct {
	Now    time.Time      // decides whether LIST shows the time or the year
	Rights account.Rights // of the user, for the fact "perm"

	// RightsAt returns the rights to the item of that name; nil: they are Rights.
	RightsAt func(name string) account.Rights

	HostIDs bool    // LIST shows the numbers of links, and owners and groups by their numbers
	Facts   FactSet // to be shown by AppendFacts
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
