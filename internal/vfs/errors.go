package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Reasons of this package to refuse a name. For each of them errors.Is(err, fs.ErrPermission) is true as well.
var (
	// ErrOutside means that the name leads out of the tree, through a symbolic link.
	ErrOutside error = refusal("leads outside the tree")
	// ErrSpecial means a FIFO, a socket or a device: neither a regular file nor a directory.
	ErrSpecial error = refusal("not a regular file or directory")
	// ErrReadOnly means a change through a view that only reads. The disk was not touched.
	ErrReadOnly error = refusal("read-only tree")

	errRoot error = refusal("the root of the tree stays where it is")
)

// errMode refuses what a client has no business to set: set-user-ID, set-group-ID, sticky and type bits.
var errMode = fmt.Errorf("%w: mode has more than permission bits", fs.ErrInvalid)

// refusal is a reason of ours, rather than of the disk, not to do what was asked.
type refusal string

func (r refusal) Error() string      { return string(r) }
func (refusal) Is(target error) bool { return target == fs.ErrPermission }

// pathError wraps err for the caller. It is the one place where errors of the disk become errors of the tree.
func (t *Root) pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: t.cause(err)}
}

// cause returns the bare reason of err. What os.Root says of a name that leads out becomes ErrOutside.
func (t *Root) cause(err error) error {
	if err = withoutPath(err); err == t.shared.errEscape { //nolint:errorlint // bare, and the very value that Open was given
		return ErrOutside
	}
	return err
}

// withoutPath takes off the operations and paths that package os puts around an error: they name the host's directories.
func withoutPath(err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	for {
		switch {
		case errors.As(err, &pathErr):
			err = pathErr.Err
		case errors.As(err, &linkErr):
			err = linkErr.Err
		default:
			return err
		}
	}
}
