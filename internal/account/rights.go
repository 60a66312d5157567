package account

import (
	"fmt"
	"strings"
)

// Rights is a set of rights, one bit each.
type Rights uint

// All rights.
const (
	List   Rights = 1 << iota // list files with their sizes and times
	Read                      // download files, and get their checksums
	Create                    // make files and directories under new names
	Change                    // replace files, append to them, set their times and modes
	Delete                    // remove files and directories
	Rename                    // move files and directories to new names, and with Change over existing files
	Link                      // make symbolic links
	Who                       // see other sessions and their transfers, by SITE WHO
)

// Common sets. The right Who is in neither, because names of files may be private.
const (
	ReadOnly = List | Read
	All      = ReadOnly | Create | Change | Delete | Rename | Link
)

// rightNames are the names of rights in a configuration.
var rightNames = []struct {
	name   string
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

// RightName returns the name of a right. "": r is none, or several.
func RightName(r Rights) string {
	for _, n := range rightNames {
		if n.rights == r {
			return n.name
		}
	}
	return ""
}

// ParseRights returns the set of the named rights. Names are in lower case; "all" is
// All.
func ParseRights(names []string) (Rights, error) {
	var all Rights
	for _, name := range names {
		r, ok := parseRight(name)
		if !ok {
			return 0, fmt.Errorf("%q is no right; there are %s", name, knownNames())
		}
		all |= r
	}
	return all, nil
}

func parseRight(name string) (r Rights, ok bool) {
	for _, w := range rightNames {
		if w.name == name {
			return w.rights, true
		}
	}
	return 0, false
}

func knownNames() string {
	var all []string
	for _, w := range rightNames {
		all = append(all, w.name)
	}
	return strings.Join(all, ", ")
}

// Has reports whether r has all of the given rights.
func (r Rights) Has(all Rights) bool { return r&all == all }
