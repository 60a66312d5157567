//go:build unix

package fileid

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ofOS returns the ID of f. It calls fstat(2) because, unlike os.File.Stat, that
// allocates nothing.
func ofOS(f *os.File) (ID, error) {
	var st unix.Stat_t
	err := unix.Fstat(int(f.Fd()), &st)
	for err == unix.EINTR { //nolint:errorlint // a system call's bare errno; FUSE and NFS return it
		err = unix.Fstat(int(f.Fd()), &st)
	}
	runtime.KeepAlive(f)
	if err != nil {
		return ID{}, os.NewSyscallError("fstat", err)
	}
	return OfStat(&st), nil
}

// OfStat returns the ID of the version that st describes.
func OfStat(st *unix.Stat_t) ID {
	id := ID{
		Device:   uint64(st.Dev), //nolint:unconvert // of 32 bits on some systems
		Inode:    uint64(st.Ino), //nolint:unconvert // as above
		Size:     st.Size,
		Mode:     uint32(st.Mode), //nolint:unconvert // of 16 bits on some systems
		Regular:  st.Mode&unix.S_IFMT == unix.S_IFREG,
		Modified: st.Mtim.Nano(),
	}
	if sec, _ := st.Ctim.Unix(); sec != 0 { // else the file system has no such time
		id.Changed = st.Ctim.Nano()
	}
	return id
}
