package account

import (
	"fmt"
	"strings"
)

// Rights are what a user may do, a bit each. Zero is nothing at all.
type Rights uint

// The rights there are.
const (
	List   Rights = 1 << iota // see which files there are, how large and how old
	Read                      // fetch what is in them, and its checksum
	Create                    // make files and directories under names that are free
	Change                    // replace files, append to them, set their times and modes
	Delete                    // remove files and directories
	Rename                    // move files and directories to names that are free, and with Change over files
	Link                      // make symbolic links
	Who                       // see who else is connected and what they do, by SITE WHO
)

// What most users have. Who is in neither: names of files tell much.
const (
	ReadOnly = List | Read
	All      = ReadOnly | Create | Change | Delete | Rename | Link
)

// words are how rights are written.
var words = []struct {
	word   string
	rights Rights
}{
	{"list", List},
	{"read", Read},
	{"create", Create},
	{"change", Change},
	{"delete", Delete},
	{"rename", Rename},
	{"link", Link},
	{"who", Who},
	{"all", All},
}

// ParseRights returns the rights that words name: each right by its name in
// small letters, All by "all". No names are no rights.
func ParseRights(names []string) (Rights, error) {
	var all Rights
	for _, name := range names {
		r, ok := parseRight(name)
		if !ok {
			return 0, fmt.Errorf("%q is no right; there are %s", name, knownWords())
		}
		all |= r
	}
	return all, nil
}

func parseRight(name string) (r Rights, ok bool) {
	for _, w := range words {
		if w.word == name {
			return w.rights, true
		}
	}
	return 0, false
}

func knownWords() string {
	var all []string
	for _, w := range words {
		all = append(all, w.word)
	}
	return strings.Join(all, ", ")
}

// Has reports whether r holds all of the given rights.
func (r Rights) Has(all Rights) bool { return r&all == all }
