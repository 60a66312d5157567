package upload

import (
	"io/fs"
	"os"
	"path"
	"sync"

	"github.com/spf13/afero"

	"sluice/internal/vfs"
)

// claims are the files that uploads write into without a file of their own. Two in one would mix: each writes at
// offsets that it has computed before.
type claims struct {
	mu  sync.Mutex // guards the field below, and what the claims hold
	all map[*claim]struct{}
}

// claim is a file that is one upload's alone.
type claim struct {
	tree vfs.Tree
	name string

	// info is of a file of the operating system, of which links are other names. Nil: of no such file, or it is not
	// opened yet; then the name tells which file is meant.
	info fs.FileInfo

	replaced bool // another file has got the name
}

// take claims the file of that name until release. It is called before the file is opened, because some file systems
// copy it then: a second upload must not find half of that. The error is ErrBusy if another upload has the file.
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

// identify says that f is the file of a claim. The error is ErrBusy if another upload has it, by whatever name.
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

// replace says that a name is now that of another file.
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

// isMoved reports whether a claim would lose its file if that name were given to another: of the file, or of a
// directory above it.
func (c *claims) isMoved(tree vfs.Tree, name string) bool {
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

// release gives a claim back. Releasing twice is harmless.
func (c *claims) release(mine *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, mine)
}

// isNamed reports whether a name is that of the claim, and tells which file is meant.
func (c *claim) isNamed(tree vfs.Tree, name string) bool {
	return c.info == nil && vfs.IsSameFile(c.tree, c.name, tree, name)
}
