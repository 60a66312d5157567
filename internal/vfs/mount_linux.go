package vfs

import (
	"errors"
	"io/fs"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// lstatMountPoint describes an entry of d that is a mount point, as far as the kernel remembers it: statx(2) with
// AT_STATX_DONT_SYNC asks no server of FUSE or NFS. So it needs no admission.
func lstatMountPoint(d directory, name string) (fs.FileInfo, error) {
	dir, ok := d.(openat2Dir)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	var stx unix.Statx_t
	const flags = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC
	err := retryEINTR(func() error { return unix.Statx(int(dir.f.Fd()), name, flags, unix.STATX_BASIC_STATS, &stx) })
	runtime.KeepAlive(dir.f)
	if err != nil {
		return nil, err
	}
	e := &dirEntry{name: name}
	set(&e.st.Dev, unix.Mkdev(stx.Dev_major, stx.Dev_minor))
	e.st.Ino, e.st.Mode, e.st.Uid, e.st.Gid = stx.Ino, uint32(stx.Mode), stx.Uid, stx.Gid
	e.st.Size, e.st.Blocks = int64(stx.Size), int64(stx.Blocks)
	e.st.Atim, e.st.Mtim, e.st.Ctim = timespec(stx.Atime), timespec(stx.Mtime), timespec(stx.Ctime)
	return e, nil
}

// set sets a number whose type depends on the processor.
func set[T uint32 | uint64](p *T, n uint64) { *p = T(n) }

func timespec(t unix.StatxTimestamp) unix.Timespec {
	ts, _ := unix.TimeToTimespec(time.Unix(t.Sec, int64(t.Nsec))) // an error means that the type has no room
	return ts
}
