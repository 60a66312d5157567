package upload

import (
	"errors"
	"io/fs"
	"os"

	"sluice/internal/vfs"
)

// oldFile describes a file that an upload replaces.
type oldFile struct {
	fs.FileInfo
	xattrs []xattr
}

// xattr is an extended attribute of a file (xattr(7)), such as its access control list.
type xattr struct {
	name  string
	value []byte
}

// describeOld returns the description of f. It does not close f.
func describeOld(f *os.File) (*oldFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &oldFile{info, readXattrs(f)}, nil
}

// copyAttributes copies the attributes of the old file to the file of an upload, which is open as name: owner and group as
// far as this process may set them, the mode, and on Linux the access control list and user.* extended attributes. If the
// group cannot be set, the file has another group, which gets no more rights than all users.
//
// Only an error of setting the mode is returned. A mode of 0 means a file system without modes. A file system in which
// all files have the same mode, such as afero's gcsfs, need not be able to set it.
func (o *oldFile) copyAttributes(u *Upload, name string) error {
	mode := o.Mode().Perm()
	if f, ok := vfs.OSFile(u.file); ok {
		hasGroup := copyOwner(o.FileInfo, f)
		hasACL := setXattrs(o.xattrs, f)
		if !hasGroup && !hasACL {
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
