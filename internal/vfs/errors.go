package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Errors with which this package refuses a name. For each of them errors.Is(err, fs.ErrPermission) is true as well.
var (
	// ErrOutside means that the name leads out of the tree, through a symbolic link.
	ErrOutside error = refusal("leads outside the tree")
	// ErrSpecial means a FIFO, a socket or a device: neither a regular file nor a directory.
	ErrSpecial error = refusal("not a regular file or directory")
	// ErrReadOnly means a change through a read-only view. Nothing was changed.
	ErrReadOnly error = refusal("read-only tree")

	errRoot error = refusal("the root of the tree cannot be moved, replaced or removed")
)

// errMode refuses set-user-ID, set-group-ID, sticky and type bits, which clients may not set.
var errMode = fmt.Errorf("%w: mode has more than permission bits", fs.ErrInvalid)

// refusal is an error of this package rather than of the file system.
type refusal string

func (r refusal) Error() string      { return string(r) }
func (refusal) Is(target error) bool { return target == fs.ErrPermission }

// pathError returns err as a *fs.PathError with the client's name. All errors of Root but those of Rename come from it.
func (t *Root) pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: t.cause(err)}
}

// cause returns err without paths. The error of os.Root for a name that leads out becomes ErrOutside.
func (t *Root) cause(err error) error {
	if err = withoutPath(err); err == t.shared.errEscape { //nolint:errorlint // both are without paths, and the same value
		return ErrOutside
	}
	return err
}

// withoutPath removes the operations and paths that package os wraps around an error, which name directories of the host.
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
