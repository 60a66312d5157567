package upload

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path"
	"strings"
	"sync"
	"unicode/utf8"

	"sluice/internal/partial"
)

// An upload that is not yet whole is called .NAME.TAG.sluice-part (see package partial). What the tag is, says what the file is:
//
//   - random: an upload under way that nobody could go on with, or that was under way when the server ended;
//   - that of its owner, and a w: an upload under way, or one that was when the server ended, since the system was
//     started the last time. A file from before that may have holes where the disk lost what was written;
//   - that of its owner: what an upload that broke off has left, and that is on the disk.
const (
	keptTag = 16  // characters of the tag of an owner
	nameMax = 255 // bytes, of one element of a path on all common file systems
)

// isKept reports whether a file of that name is what an upload that broke off has left.
func isKept(base string) bool {
	rest, _ := strings.CutSuffix(base, partial.Suffix)
	return partial.Is(base) && len(rest)-len(".")-strings.LastIndexByte(rest, '.') == keptTag
}

// partialName returns a new name in the directory of the target for what is to become it.
func partialName(target string) string { return tagged(target, rand.Text()) } // 130 bits

// keptName returns the name of what the owner's last upload to target has left.
func keptName(target, owner string) string { return tagged(target, ownerTag(target, owner, "")) }

// writtenName returns the name of an upload of the owner to target that is under way.
func writtenName(target, owner string) string {
	return tagged(target, ownerTag(target, owner, thisBoot())+"w")
}

// ownerTag returns the tag of the owner of an upload to target; salt makes another of it.
func ownerTag(target, owner, salt string) string {
	sum := sha256.Sum256([]byte(salt + owner + "/" + path.Base(target))) // the name as well: it may be cut
	return hex.EncodeToString(sum[:keptTag/2])
}

// thisBoot returns what is the same until the system is started again, or until this process ends where nobody knows
// of that.
var thisBoot = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id") // random(4)
	if err != nil {
		return rand.Text()
	}
	return string(id)
})

func tagged(target, tag string) string {
	dir, base := path.Split(target)
	tail := "." + tag + partial.Suffix
	return dir + partial.Prefix + shorten(base, nameMax-len(partial.Prefix)-len(tail)) + tail
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
