package upload

import (
	"errors"
	"io/fs"
	"os"

	"sluice/internal/vfs"
)

// old is a file that an upload replaces.
type old struct {
	fs.FileInfo
	extended []extended
}

// extended is an extended attribute of a file (xattr(7)), of which an access control list is one.
type extended struct {
	name  string
	value []byte
}

// describe returns f as what is to be replaced. It does not close it.
func describe(f *os.File) (*old, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &old{info, extendedOf(f)}, nil
}

// passOn gives the file of an upload, which is open as name, what the old file was known by besides its content: its
// owner and group as far as this process may, its mode, and on Linux its access control list and what users have noted
// in extended attributes. A group that cannot be passed on gets no more rights than everybody has, because it is
// another group.
//
// The mode alone must succeed. A file system without modes has none to keep, and one in which all files have the same
// mode, such as afero's gcsfs, need not be able to set it.
func (o *old) passOn(u *Upload, name string) error {
	mode := o.Mode().Perm()
	if f, ok := vfs.OSFile(u.file); ok {
		isGroup := passOwner(o.FileInfo, f)
		hasList := passExtended(o.extended, f)
		if !isGroup && !hasList {
			mode &^= (^mode & 0o007) << 3
		}
		return f.Chmod(mode)
	}
	if mode == 0 {
		return nil
	}
	err := u.target.Tree.Chmod(name, mode)
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if info, statErr := u.target.Tree.Stat(name); statErr == nil && info.Mode().Perm() == mode {
		return nil
	}
	return err
}
