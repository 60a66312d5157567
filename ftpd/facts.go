package ftpd

import (
	"slices"
	"strconv"
	"strings"

	"sluice/internal/account"
)

// fileID is what a host knows a file by.
type fileID struct {
	device, number uint64 // together no other file has them
	links          uint64
	owner, group   uint64
}

// factSet are facts of a file, a bit each (RFC 3659, 7.5).
type factSet uint

const allFacts = 1<<len(factNames) - 1

// factNames are the facts in the order in which they are told; "unique" is
// told only where there is one.
var factNames = [...]string{"type", "size", "modify", "perm", "unique", "UNIX.mode"}

const (
	factType factSet = 1 << iota
	factSize
	factModify
	factPerm
	factUnique
	factMode
)

// factSet returns the facts that the client wants.
func (c *contentState) factSet() factSet {
	if c.wanted == nil {
		return allFacts
	}
	return *c.wanted
}

// featMLST returns the line of FEAT that names the facts, those that are told
// with a star (RFC 3659, 7.8).
func featMLST(s *session) string {
	told := s.content.factSet()
	var b strings.Builder
	b.WriteString("MLST ")
	for i, name := range factNames {
		b.WriteString(name)
		if told&(1<<i) != 0 {
			b.WriteByte('*')
		}
		b.WriteByte(';')
	}
	return b.String()
}

// optsMLST answers OPTS MLST, which names the facts to be told; what is not
// known is passed over (RFC 3659, 7.9).
func (s *session) optsMLST(arg string) reply {
	var wanted factSet
	for name := range strings.SplitSeq(arg, ";") {
		if i := slices.IndexFunc(factNames[:], func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
			wanted |= 1 << i
		}
	}
	s.content.wanted = &wanted
	text := "MLST OPTS "
	for i, name := range factNames {
		if wanted&(1<<i) != 0 {
			text += name + ";"
		}
	}
	return say(200, text)
}

// appendFacts appends the line of it for MLSD.
func (v *view) appendFacts(b []byte, it item) []byte {
	if v.facts&factType != 0 {
		kind := it.kind
		switch {
		case kind != "":
		case it.IsDir():
			kind = "dir"
		default:
			kind = "file"
		}
		b = append(append(append(b, "type="...), kind...), ';')
	}
	if v.facts&factSize != 0 && !it.IsDir() {
		b = append(strconv.AppendInt(append(b, "size="...), it.Size(), 10), ';')
	}
	if v.facts&factModify != 0 {
		b = append(it.ModTime().UTC().AppendFormat(append(b, "modify="...), timeFormat), ';')
	}
	if v.facts&factPerm != 0 {
		b = append(v.appendPerm(append(b, "perm="...), it), ';')
	}
	if v.facts&factUnique != 0 {
		if id, ok := identify(it.FileInfo); ok {
			b = strconv.AppendUint(append(b, "unique="...), id.device, 16)
			b = append(strconv.AppendUint(append(b, 'g'), id.number, 16), ';')
		}
	}
	if v.facts&factMode != 0 {
		b = append(strconv.AppendUint(append(b, "UNIX.mode=0"...), uint64(it.Mode().Perm()), 8), ';')
	}
	return v.appendName(append(b, ' '), it)
}

// perms are what the fact "perm" tells, in the order of RFC 3659, 7.5.5: the
// letter, and the right that it stands for.
var (
	filePerms = []perm{
		{'a', account.Change}, {'d', account.Delete}, {'f', account.Rename}, {'r', account.Read}, {'w', account.Change},
	}
	dirPerms = []perm{
		{'c', account.Create}, {'d', account.Delete}, {'e', 0}, {'f', account.Rename}, {'l', account.List},
		{'m', account.Create}, {'p', account.Delete},
	}
)

type perm struct {
	letter byte
	right  account.Rights
}

// appendPerm appends what the user may do, as far as we have a say; the file
// system may refuse still.
func (v *view) appendPerm(b []byte, it item) []byte {
	perms := filePerms
	if it.IsDir() {
		perms = dirPerms
	}
	stays := it.kind != "" || it.name == "/" // neither the root nor the current directory can go
	for _, p := range perms {
		if v.rights.Has(p.right) && !(stays && (p.letter == 'd' || p.letter == 'f')) {
			b = append(b, p.letter)
		}
	}
	return b
}
