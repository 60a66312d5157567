//go:build unix

package filecache

import (
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// stamp is by what a change of a file is told. The time of the last change of
// content or attributes is one that no program can set back.
type stamp struct {
	dev, inode        uint64
	size              int64
	mode              uint32
	modified, touched int64 // mtime and ctime, in nanoseconds
}

// stampOf asks fstat(2) and, unlike os.File.Stat, allocates nothing.
func stampOf(f *os.File) (stamp, error) {
	var st unix.Stat_t
	err := unix.Fstat(int(f.Fd()), &st)
	for err == unix.EINTR { //nolint:errorlint // a system call's bare errno, of FUSE and NFS mounts
		err = unix.Fstat(int(f.Fd()), &st)
	}
	runtime.KeepAlive(f)
	if err != nil {
		return stamp{}, err
	}
	return stamp{
		dev: uint64(st.Dev), inode: uint64(st.Ino), size: int64(st.Size), mode: uint32(st.Mode),
		modified: st.Mtim.Nano(), touched: st.Ctim.Nano(),
	}, nil
}

func (s stamp) equals(o stamp) bool { return s == o }

// changed returns when the file was changed last.
func (s stamp) changed() time.Time { return time.Unix(0, max(s.modified, s.touched)) }
