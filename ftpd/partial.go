package ftpd

import (
	"crypto/rand"
	"path"
	"strings"
	"unicode/utf8"
)

// An upload that is not yet whole is called .NAME.RANDOM.sluice-part. Clients
// neither see nor reach such names.
const (
	partialPrefix = "."
	partialSuffix = ".sluice-part"
	nameMax       = 255 // bytes, of one element of a path on all common file systems
)

// partialName returns a new name in the directory of the target for what is to
// become it.
func partialName(target string) string {
	dir, base := path.Split(target)
	tail := "." + rand.Text() + partialSuffix // 130 bits
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

// isPartial reports whether a file of that name is an upload under way.
func isPartial(base string) bool {
	return strings.HasPrefix(base, partialPrefix) && strings.HasSuffix(base, partialSuffix)
}
