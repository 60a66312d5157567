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
	"sluice/internal/vfs"
)

// An incomplete upload is called .NAME.TAG.sluice-part (see package partial). The form of TAG says which kind it is:
//
//   - random: an active upload that cannot be resumed, or one that was active when the server ended;
//   - the tag of its owner for this boot of the system, and "w": an active upload that can be resumed, or one that was
//     active when the server ended. After a reboot the tag differs, because the file may have holes where the disk lost
//     data;
//   - the tag of its owner: a kept upload, which is completely on the disk.
const (
	keptTag = 16  // length of the tag of an owner
	nameMax = 255 // bytes in one element of a path, on all common file systems
)

// isKept reports whether base is the name of a kept upload.
func isKept(base string) bool {
	rest, _ := strings.CutSuffix(base, partial.Suffix)
	return partial.Is(base) && len(rest)-len(".")-strings.LastIndexByte(rest, '.') == keptTag
}

// partialName returns a new random name for an upload to target.
func partialName(target string) string { return tagged(target, rand.Text()) } // 130 bits

// AsideName returns a new random name in the directory of target, which no client can see, for what is to be removed after
// another file has got the name of target.
func AsideName(target string) string { return partialName(target) }

// keptName returns the name of a kept upload of the owner to target.
func keptName(target, owner string) string { return tagged(target, ownerTag(target, owner, "")) }

// activeName returns the name of an active upload of the owner to target.
func activeName(w Writer, target string) string {
	return tagged(target, ownerTag(target, w.Owner, bootOf(w.Tree, target))+"w")
}

// ownerTag returns the tag of the owner for target. Different salts give different tags.
func ownerTag(target, owner, salt string) string {
	sum := sha256.Sum256([]byte(salt + owner + "/" + path.Base(target))) // with the name, which may be shortened in the file name
	return hex.EncodeToString(sum[:keptTag/2])
}

// bootOf returns bootID, or "" if the uploads of the file system of target survive a crash of the system.
func bootOf(tree vfs.Tree, target string) string {
	if isPersistent(tree, target) {
		return ""
	}
	return bootID()
}

// bootID returns an ID of this boot of the system, or of this process if the system has none.
var bootID = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id") // random(4)
	if err != nil {
		return rand.Text()
	}
	return string(id)
})

// tagged returns the hidden name for target with that tag.
func tagged(target, tag string) string {
	dir, base := path.Split(target)
	tail := "." + tag + partial.Suffix
	return dir + partial.Prefix + shorten(base, nameMax-len(partial.Prefix)-len(tail)) + tail
}

// shorten cuts name to at most n bytes, at the boundary of a character.
func shorten(name string, n int) string {
	if len(name) <= n {
		return name
	}
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}
