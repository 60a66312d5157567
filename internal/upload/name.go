package upload

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"unicode/utf8"
)

// An upload that is not yet whole is called .NAME.TAG.sluice-part. While it is under way its tag is random; once it
// has broken off, the tag is that of its owner, who may go on with it.
const (
	partialPrefix = "."
	partialSuffix = ".sluice-part"
	partialUpper  = ".SLUICE-PART"
	keptTag       = 16  // characters of a tag of that kind
	nameMax       = 255 // bytes, of one element of a path on all common file systems
)

// IsPartial reports whether a file whose last element is base is an upload that is not whole. Clients neither see nor
// reach such names, in capitals either: to many file systems those are the same.
func IsPartial(base string) bool {
	return strings.HasPrefix(base, partialPrefix) && strings.HasSuffix(strings.ToUpper(base), partialUpper)
}

// isKept reports whether a file of that name is what an upload that broke off has left.
func isKept(base string) bool {
	rest, _ := strings.CutSuffix(base, partialSuffix)
	return IsPartial(base) && len(rest)-len(".")-strings.LastIndexByte(rest, '.') == keptTag
}

// partialName returns a new name in the directory of the target for what is to become it.
func partialName(target string) string { return tagged(target, rand.Text()) } // 130 bits

// keptName returns the name of what the owner's last upload to target has left.
func keptName(target, owner string) string {
	sum := sha256.Sum256([]byte(owner + "/" + path.Base(target))) // the name as well: it may be cut
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
