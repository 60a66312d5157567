package ftpd

import (
	"encoding/hex"
	"io/fs"
	"os"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd/internal/list"
	"sluice/internal/digest"
	"sluice/internal/vfs"
)

// libraryFS is the file system of a user, with its rights, as a ClientDriver of the
// library. The library passes absolute paths, except for HASH, whose argument it passes
// as the client has sent it. Errors contain no path of this host, because the library
// sends them to the client.
type libraryFS struct {
	client *libraryClient
	user   *user
}

var _ interface {
	ftpserver.ClientDriver
	ftpserver.ClientDriverExtensionAvailableSpace
	ftpserver.ClientDriverExtensionFileList
	ftpserver.ClientDriverExtensionHasher
	ftpserver.ClientDriverExtensionRemoveDir
	ftpserver.ClientDriverExtensionSymlink
	ftpserver.ClientDriverExtentionFileTransfer
} = (*libraryFS)(nil)

const libraryMask = 0o022 // of new files and directories: the library has no SITE UMASK

// path returns name as an absolute, clean path.
func (l *libraryFS) path(name string) string { return absolute(l.client.cc.Path(), name) }

// Name returns the name of the file system.
func (l *libraryFS) Name() string { return l.user.tree.Name() }

// Stat describes a file or directory. It follows links.
func (l *libraryFS) Stat(name string) (os.FileInfo, error) {
	info, err := l.user.statIfAllowed(l.path(name))
	return info, clientError(err)
}

// ReadDir returns the entries of a directory.
func (l *libraryFS) ReadDir(name string) ([]os.FileInfo, error) {
	if err := l.user.mayList(l.path(name)); err != nil {
		return nil, err
	}
	items, err := l.user.readDir(l.path(name))
	infos := make([]os.FileInfo, 0, len(items))
	for _, it := range items {
		infos = append(infos, libraryInfoOf(it))
	}
	return infos, clientError(err)
}

// libraryInfo describes a link or a special file for the library's listings. It must not
// look like a directory. In MLSD the library calls all else "file", and in LIST it shows
// the first letter of [fs.FileMode.String].
type libraryInfo struct {
	fs.FileInfo
	name string
	mode fs.FileMode
}

func libraryInfoOf(it list.Item) fs.FileInfo {
	mode := it.Info.Mode()
	switch {
	case mode.IsRegular() || mode.IsDir():
		return it.Info
	case it.Link == nil:
		return libraryInfo{it.Info, it.Name, mode.Perm() | fs.ModeNamedPipe} // p; clients do not know Go's letters for other types
	}
	info := it.Info
	if end := it.LeadsTo(); end != nil && !end.IsDir() {
		info = end
	}
	return libraryInfo{info, it.Name, mode.Perm() | fs.ModeExclusive} // l
}

func (i libraryInfo) Name() string      { return i.name }
func (i libraryInfo) Mode() fs.FileMode { return i.mode }
func (i libraryInfo) IsDir() bool       { return false }

// Mkdir makes a directory.
func (l *libraryFS) Mkdir(name string, _ os.FileMode) error {
	return l.change(opMakeDir, 257, name, func(name string) error { return l.user.mkdir(name, 0o777&^libraryMask) })
}

// MkdirAll makes a directory and its missing parents.
func (l *libraryFS) MkdirAll(name string, _ os.FileMode) error {
	return l.change(opSite+"MKDIR", 250, name, func(name string) error { return l.user.mkdirAll(name, 0o777&^libraryMask) })
}

// Remove removes a file. It refuses a directory.
func (l *libraryFS) Remove(name string) error { return l.change(opRemove, 250, name, l.user.remove) }

// RemoveDir removes an empty directory, but not the current one.
func (l *libraryFS) RemoveDir(name string) error {
	return l.change(opRemoveDir, 250, name, func(name string) error { return l.unlessCurrent(name, l.user.removeDir) })
}

// RemoveAll removes a directory with all its contents, but not the current one.
func (l *libraryFS) RemoveAll(name string) error {
	return l.change(opSite+"RMDIR", 250, name, func(name string) error { return l.unlessCurrent(name, l.user.removeAll) })
}

// Rename moves a file or directory, but not the current one.
func (l *libraryFS) Rename(from, to string) error {
	return l.changeTo(opRename, 250, from, l.path(to), func(from, to string) error {
		return l.unlessCurrent(from, func(from string) error {
			return l.unlessCurrent(to, func(to string) error { return l.user.rename(from, to) })
		})
	})
}

// change calls f with the absolute path of name and reports the change by the command, whose
// reply has the code if f succeeds.
func (l *libraryFS) change(command string, code int, name string, f func(name string) error) error {
	return l.changeTo(command, code, name, "", func(name, _ string) error { return f(name) })
}

// changeTo is change with FileChange.NewPath.
func (l *libraryFS) changeTo(command string, code int, name, to string, f func(name, to string) error) error {
	c := newChange(l.client.driver.server, l.client.live, l.user, command, l.path(name))
	c.record.NewPath = to
	err := f(c.record.Path, to)
	c.end(err, newReply(code, ""))
	if failure := vfs.StoreFailure(err); failure != nil {
		return failure
	}
	return err
}

// unlessCurrent calls f, unless name is the current directory or one above it.
func (l *libraryFS) unlessCurrent(name string, f func(name string) error) error {
	if name = l.path(name); contains(name, l.path(".")) {
		return errCurrent
	}
	return f(name)
}

// Chmod sets the permission bits of a file.
func (l *libraryFS) Chmod(name string, mode os.FileMode) error {
	if mode != mode.Perm() {
		return fs.ErrInvalid
	}
	return l.change(opSite+"CHMOD", 200, name, func(name string) error {
		return l.user.changeFile(name, func(name string) error { return l.user.tree.Chmod(name, mode) })
	})
}

// Chtimes sets the time at which a file was last changed.
func (l *libraryFS) Chtimes(name string, _, mtime time.Time) error {
	if err := checkTime(mtime); err != nil {
		return err
	}
	return l.change(opSetTime, 213, name, func(name string) error {
		return l.user.changeFile(name, func(name string) error { return l.user.tree.Chtimes(name, time.Time{}, mtime) })
	})
}

// Chown sets the owner and group of a file, if the file system allows it.
func (l *libraryFS) Chown(name string, uid, gid int) error {
	return l.change(opSite+"CHOWN", 200, name, func(name string) error {
		return l.user.changeFile(name, func(name string) error { return l.user.tree.Chown(name, uid, gid) })
	})
}

// Symlink makes a symbolic link.
func (l *libraryFS) Symlink(target, name string) error {
	return l.changeTo(opSite+"SYMLINK", 200, name, l.path(target), func(name, target string) error { return l.user.symlink(target, name) })
}

// GetAvailableSpace returns the free space for files in a directory, in bytes.
func (l *libraryFS) GetAvailableSpace(name string) (int64, error) {
	free, err := l.user.free(l.path(name))
	return free, clientError(err)
}

// ComputeHash returns a checksum of the bytes from start up to but without end.
func (l *libraryFS) ComputeHash(name string, algorithm ftpserver.HASHAlgo, start, end int64) (string, error) {
	for kind, called := range driverHashes {
		if called == algorithm {
			return l.checksum(name, kind, start, end)
		}
	}
	return "", fs.ErrInvalid
}

func (l *libraryFS) checksum(name string, kind digest.Algorithm, start, end int64) (string, error) {
	f, _, err := l.user.openForHash(l.path(name))
	if err != nil {
		return "", clientError(err)
	}
	defer f.Close()
	sum, err := l.client.driver.server.digests.Part(l.client.ctx, l.user.party(l.client.host), digest.On(f, vfs.MountOfFile(l.user.tree, f)), kind, start, end-start)
	return hex.EncodeToString(sum), clientError(err)
}

// Open opens a file to be read. The library calls GetHandle and ReadDir instead.
func (l *libraryFS) Open(name string) (afero.File, error) {
	f, _, err := l.user.openWhole(l.path(name), 0)
	return f, clientError(err)
}

// OpenFile is Open, and refuses other flags: files are written by GetHandle.
func (l *libraryFS) OpenFile(name string, flag int, _ os.FileMode) (afero.File, error) {
	if flag != os.O_RDONLY {
		return nil, fs.ErrInvalid
	}
	return l.Open(name)
}

// Create is not used: see OpenFile.
func (l *libraryFS) Create(string) (afero.File, error) { return nil, fs.ErrInvalid }

// clientError returns err without what clients must not see, because the library sends them its text.
func clientError(err error) error {
	if failure := vfs.StoreFailure(err); failure != nil {
		return failure
	}
	return stripPaths(err)
}
