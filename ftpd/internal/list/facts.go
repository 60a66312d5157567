package list

import (
	"slices"
	"strconv"
	"strings"

	"sluice/internal/account"
)

// TimeFormat is how RFC 3659, 2.3 writes times, which are in UTC.
const TimeFormat = "20060102150405"

// FactSet is a set of facts about a file (RFC 3659, 7.5). The zero value is the
// empty set.
type FactSet uint

// AllFacts is the set of all facts that there are.
const AllFacts FactSet = 1<<len(factNames) - 1

// factNames are the facts in the order in which they are listed, which is that
// of their bits. Files without "unique" are listed without it.
var factNames = [...]string{"type", "size", "modify", "perm", "unique", "UNIX.mode"}

const (
	factType FactSet = 1 << iota
	factSize
	factModify
	factPerm
	factUnique
	factMode
)

// ParseFacts returns the facts that the argument of OPTS MLST names, separated
// by semicolons, in letters of either case. Unknown facts are ignored (RFC 3659,
// 7.9).
func ParseFacts(arg string) FactSet {
	var set FactSet
	for name := range strings.SplitSeq(arg, ";") {
		if i := slices.IndexFunc(factNames[:], func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
			set |= 1 << i
		}
	}
	return set
}

// String returns the names of the facts in the set, each with a semicolon
// behind it, as the reply to OPTS MLST has them.
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

// Feature returns the names of all facts as FEAT has them: like String, with a
// star behind the name of each fact in the set (RFC 3659, 7.8).
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
	if v.Facts&factModify != 0 {
		b = append(info.ModTime().UTC().AppendFormat(append(b, "modify="...), TimeFormat), ';')
	}
	if v.Facts&factPerm != 0 {
		b = append(v.appendPerm(append(b, "perm="...), &it), ';')
	}
	if v.Facts&factUnique != 0 {
		file := it.LeadsTo() // so that a client sees that a link and a directory are one (RFC 3659, 7.7.4)
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

// perms are the letters of the fact "perm" in the order of RFC 3659, 7.5.5, each
// with the right that it stands for.
var (
	filePerms = []perm{
		{'a', account.Change}, {'d', account.Delete}, {'f', account.Rename}, {'r', account.Read}, {'w', account.Change},
	}
	dirPerms = []perm{
		{'c', account.Create}, {'d', account.Delete}, {'e', 0}, {'f', account.Rename}, {'l', account.List},
		{'m', account.Create}, {'p', account.Delete},
	}
	// Of a link to a directory not p: what it deletes is in another place.
	dirLinkPerms = []perm{{'d', account.Delete}, {'e', 0}, {'f', account.Rename}, {'l', account.List}}
	// Of what can be neither opened nor entered.
	deadPerms = []perm{{'d', account.Delete}, {'f', account.Rename}}
)

type perm struct {
	letter byte
	right  account.Rights
}

// appendPerm appends what the user's rights allow; the file system may still
// refuse it.
func (v *View) appendPerm(b []byte, it *Item) []byte {
	perms := deadPerms
	switch mode := it.facts().Mode(); {
	case mode.IsRegular():
		perms = filePerms
	case mode.IsDir():
		perms = dirPerms
	case it.LeadsToDir():
		perms = dirLinkPerms
	}
	stays := it.Type != "" || it.Name == "/" // the root and the current directory cannot be removed or renamed
	for _, p := range perms {
		if v.Rights.Has(p.right) && !(stays && (p.letter == 'd' || p.letter == 'f')) {
			b = append(b, p.letter)
		}
	}
	return b
}
