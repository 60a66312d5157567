package vfs

import (
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// openat2Dir is a directory opened by openat2. It makes one fstatat(2) for each entry, with fewer allocations than os.Root
// and in about four fifths of the time.
type openat2Dir struct{ f *os.File }

func (o *openat2Opener) openDir(path string) (directory, error) {
	f, err := o.open(path, unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return openat2Dir{f}, nil
}

func (d openat2Dir) names(n int) ([]string, error) { return d.f.Readdirnames(n) }

func (d openat2Dir) lstat(name string) (fs.FileInfo, error) {
	// Before Linux 5.5 (verify_dirent_name) a file system could return names with a slash.
	if strings.IndexByte(name, '/') >= 0 {
		return nil, ErrOutside
	}
	e := &dirEntry{name: name}
	err := retryEINTR(func() error { return unix.Fstatat(int(d.f.Fd()), name, &e.st, unix.AT_SYMLINK_NOFOLLOW) })
	runtime.KeepAlive(d.f)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (d openat2Dir) Close() error { return d.f.Close() }

// dirEntry is the fs.FileInfo of an entry.
type dirEntry struct {
	name string
	st   unix.Stat_t
}

func (e *dirEntry) Name() string       { return e.name }
func (e *dirEntry) Size() int64        { return e.st.Size }
func (e *dirEntry) ModTime() time.Time { return time.Unix(e.st.Mtim.Unix()) }
func (e *dirEntry) IsDir() bool        { return e.Mode().IsDir() }

func (e *dirEntry) Mode() fs.FileMode {
	mode := fs.FileMode(e.st.Mode).Perm()
	switch e.st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	default:
		mode |= fs.ModeIrregular
	}
	if e.st.Mode&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if e.st.Mode&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if e.st.Mode&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// Sys returns a Stat_t of package syscall, as package os does, rather than that of x/sys.
func (e *dirEntry) Sys() any {
	return &syscall.Stat_t{
		Dev: e.st.Dev, Ino: e.st.Ino, Nlink: e.st.Nlink, Mode: e.st.Mode, Uid: e.st.Uid, Gid: e.st.Gid,
		Rdev: e.st.Rdev, Size: e.st.Size, Blksize: e.st.Blksize, Blocks: e.st.Blocks,
		Atim: syscall.Timespec(e.st.Atim), Mtim: syscall.Timespec(e.st.Mtim), Ctim: syscall.Timespec(e.st.Ctim),
	}
}
