package upload

import (
	"io/fs"
	"os"
	"path"
	"sync"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// claims are the targets that uploads write into directly. Each has one upload only, because two would overwrite each
// other: the offsets of an upload are fixed when it begins.
type claims struct {
	mu  sync.Mutex // guards the field below, and the fields of all claims
	all map[*claim]struct{}
}

// claim gives one upload exclusive access to a file.
type claim struct {
	tree vfs.Tree
	name string

	// info identifies a file of the operating system, which may have other names. It is nil for other files, and before
	// the file is opened; then tree and name identify it.
	info fs.FileInfo

	replaced bool // another file has got the name
}

// take claims the file called name until release. Call it before opening the file, because some file systems copy the file
// on open, and a second upload would find an incomplete copy. The error is ErrBusy if another upload has the file.
func (c *claims) take(tree vfs.Tree, name string) (*claim, error) {
	mine := &claim{tree: tree, name: path.Clean("/" + name)}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.all {
		if other.isNamed(tree, name) && !other.replaced {
			return nil, ErrBusy
		}
	}
	if c.all == nil {
		c.all = make(map[*claim]struct{})
	}
	c.all[mine] = struct{}{}
	return mine, nil
}

// identify records that f is the file of a claim. The error is ErrBusy if another upload has the file by another name.
func (c *claims) identify(mine *claim, f afero.File) error {
	osFile, ok := vfs.OSFile(f)
	if !ok {
		return nil
	}
	info, err := osFile.Stat()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.all {
		if other.info != nil && os.SameFile(info, other.info) {
			return ErrBusy
		}
	}
	mine.info = info
	return nil
}

// replace records that name means another file now.
func (c *claims) replace(tree vfs.Tree, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for claim := range c.all {
		if claim.isNamed(tree, name) {
			claim.replaced = true
		}
	}
}

// isReplaced reports whether another file has got the name of a claim.
func (c *claims) isReplaced(mine *claim) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return mine.replaced
}

// blocksMove reports whether moving name, a file or a directory, would move a claimed file that is identified by its name.
func (c *claims) blocksMove(tree vfs.Tree, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for claim := range c.all {
		above := *claim
		for ; above.name != "/"; above.name = path.Dir(above.name) {
			if above.isNamed(tree, name) {
				return true
			}
		}
	}
	return false
}

// release ends a claim. Releasing twice is harmless.
func (c *claims) release(mine *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, mine)
}

// isNamed reports whether the claim identifies its file by name, and this is the name.
func (c *claim) isNamed(tree vfs.Tree, name string) bool {
	return c.info == nil && vfs.IsSameFile(c.tree, c.name, tree, name)
}
