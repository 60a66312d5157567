package list

import (
	"slices"
	"strconv"
	"strings"

	"sluice/internal/account"
)

// TimeFormat is the format of times in RFC 3659, 2.3, which are in UTC.
const TimeFormat = "20060102150405"

// FactSet is a set of facts about a file (RFC 3659, 7.5). The zero value is the
// empty set.
type FactSet uint

// AllFacts is the set of all facts.
const AllFacts FactSet = 1<<len(factNames) - 1

// factNames has the facts in the order of a listing, which is the order of their bits. A
// file without a "unique" identity is listed without that fact.
var factNames = [...]string{"type", "size", "modify", "perm", "unique", "UNIX.mode"}

const (
	factType FactSet = 1 << iota
	factSize
	factModify
	factPerm
	factUnique
	factMode
)

// ParseFacts parses the argument of OPTS MLST: names of facts, separated by semicolons, in
// upper or lower case. It ignores unknown facts (RFC 3659, 7.9).
func ParseFacts(arg string) FactSet {
	var set FactSet
	for name := range strings.SplitSeq(arg, ";") {
		if i := slices.IndexFunc(factNames[:], func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
			set |= 1 << i
		}
	}
	return set
}

// String returns the names of the facts in the set, each followed by a semicolon, as in
// the reply to OPTS MLST.
func (f FactSet) String() string {
	var b strings.Builder
	for i, name := range factNames {
		if f&(1<<i) != 0 {
			b.WriteString(name)
			b.WriteByte(';')
		}
	}
	return b.String()
}

// Feature returns the names of all facts for FEAT: like String, with a star after each
// fact in the set (RFC 3659, 7.8).
func (f FactSet) Feature() string {
	var b strings.Builder
	for i, name := range factNames {
		b.WriteString(name)
		if f&(1<<i) != 0 {
			b.WriteByte('*')
		}
		b.WriteByte(';')
	}
	return b.String()
}

// AppendFacts appends the line of MLSD for it to b, CRLF included: the facts in
// v.Facts that it has, a space, and the name. MLST replies with the same line.
func (v *View) AppendFacts(b []byte, it Item) []byte {
	info := it.facts()
	if v.Facts&factType != 0 {
		b = append(append(append(b, "type="...), it.kind()...), ';')
	}
	if v.Facts&factSize != 0 && info.Mode().IsRegular() {
		b = append(strconv.AppendInt(append(b, "size="...), info.Size(), 10), ';')
	}
	if v.Facts&factModify != 0 && !info.ModTime().IsZero() { // a directory of an object store has none
		b = append(info.ModTime().UTC().AppendFormat(append(b, "modify="...), TimeFormat), ';')
	}
	if v.Facts&factPerm != 0 {
		b = append(v.appendPerm(append(b, "perm="...), &it), ';')
	}
	if v.Facts&factUnique != 0 {
		file := it.LeadsTo() // a link to a directory has the directory's identity (RFC 3659, 7.7.4)
		if file == nil {
			file = info
		}
		if id, ok := identify(file); ok {
			b = strconv.AppendUint(append(b, "unique="...), id.device, 16)
			b = append(strconv.AppendUint(append(b, 'g'), id.number, 16), ';')
		}
	}
	if v.Facts&factMode != 0 {
		b = append(strconv.AppendUint(append(b, "UNIX.mode=0"...), uint64(info.Mode().Perm()), 8), ';')
	}
	return v.AppendName(append(b, ' '), it)
}

// The letters of the fact "perm" in the order of RFC 3659, 7.5.5, each with the right that
// it needs.
var (
	filePerms = []perm{
		{'a', account.Change}, {'d', account.Delete}, {'f', account.Rename}, {'r', account.Read}, {'w', account.Change},
	}
	dirPerms = []perm{
		{'c', account.Create}, {'d', account.Delete}, {'e', 0}, {'f', account.Rename}, {'l', account.List},
		{'m', account.Create}, {'p', account.Delete},
	}
	// A link to a directory lacks p (delete the contents), so that a client that removes
	// a tree does not empty a directory elsewhere.
	dirLinkPerms = []perm{{'d', account.Delete}, {'e', 0}, {'f', account.Rename}, {'l', account.List}}
	// An entry that can be neither opened nor entered: a special file or a dangling link.
	otherPerms = []perm{{'d', account.Delete}, {'f', account.Rename}}
)

type perm struct {
	letter byte
	right  account.Rights
}

// appendPerm appends the letters that the user's rights allow; the file system may still
// refuse the operation.
func (v *View) appendPerm(b []byte, it *Item) []byte {
	perms := otherPerms
	switch mode := it.facts().Mode(); {
	case mode.IsRegular():
		perms = filePerms
	case mode.IsDir():
		perms = dirPerms
	case it.LeadsToDir():
		perms = dirLinkPerms
	}
	rights := v.Rights
	if v.RightsAt != nil {
		rights = v.RightsAt(it.Name)
	}
	stays := it.Type != "" || it.Name == "/" // the root and the current directory cannot be removed or renamed
	for _, p := range perms {
		if rights.Has(p.right) && !(stays && (p.letter == 'd' || p.letter == 'f')) {
			b = append(b, p.letter)
		}
	}
	return b
}
