package ftpd

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// An upload that is not yet whole is called .NAME.TAG.sluice-part. Clients
// neither see nor reach such names. While it is under way its tag is random;
// once it has broken off, the tag is that of its user, who may go on with it.
const (
	partialPrefix = "."
	partialSuffix = ".sluice-part"
	keptTag       = 16  // characters of a tag of that kind
	nameMax       = 255 // bytes, of one element of a path on all common file systems
)

// partialName returns a new name in the directory of the target for what is to
// become it.
func partialName(target string) string { return tagged(target, rand.Text()) } // 130 bits

// keptName returns the name of what a user's last upload to target has left.
func keptName(target, user string) string {
	sum := sha256.Sum256([]byte(user + "/" + path.Base(target))) // the name as well: it may be cut
	return tagged(target, hex.EncodeToString(sum[:keptTag/2]))
}

func tagged(target, tag string) string {
	dir, base := path.Split(target)
	tail := "." + tag + partialSuffix
	return dir + partialPrefix + shorten(base, nameMax-len(partialPrefix)-len(tail)) + tail
}

// shorten cuts name to at most n bytes, not within a character.
func shorten(name string, n int) string {
	if len(name) <= n {
		return name
	}
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

// isPartial reports whether a file of that name is an upload that is not whole.
func isPartial(base string) bool {
	return strings.HasPrefix(base, partialPrefix) && strings.HasSuffix(base, partialSuffix)
}

// isKept reports whether a file of that name is what a broken upload has left.
func isKept(base string) bool {
	rest, _ := strings.CutSuffix(base, partialSuffix)
	return isPartial(base) && len(rest)-len(".")-strings.LastIndexByte(rest, '.') == keptTag
}

// forgetKept removes what broken uploads have left in the directory dir, and
// reports whether it has nothing else.
func (d *driver) forgetKept(dir string) bool {
	infos, err := d.tree.ReadDir(dir)
	if err != nil || slices.ContainsFunc(infos, func(info fs.FileInfo) bool { return !isKept(info.Name()) }) {
		return false
	}
	for _, info := range infos {
		_ = d.tree.Remove(path.Join(dir, info.Name())) // RemoveDir tells
	}
	return true
}

// kept describes what the user's last upload to arg has left.
func (d *driver) kept(arg string) (fs.FileInfo, error) {
	return d.tree.Stat(keptName(d.path(arg), d.user))
}
