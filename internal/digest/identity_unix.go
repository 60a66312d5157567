//go:build unix

package digest

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// stat returns the present identity of f.
func stat(f *os.File) (identity, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return identity{}, err
	}
	var st unix.Stat_t
	cerr := conn.Control(func(fd uintptr) {
		for {
			if err = unix.Fstat(int(fd), &st); err != unix.EINTR { //nolint:errorlint // a system call's bare errno
				return // else a signal came, on a FUSE or NFS mount
			}
		}
	})
	if cerr != nil {
		return identity{}, cerr
	}
	if err != nil {
		return identity{}, os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return identity{}, errNotRegular
	}
	id := identity{
		device:  uint64(st.Dev), //nolint:unconvert // of 32 bits on some systems
		inode:   uint64(st.Ino), //nolint:unconvert // as above
		size:    st.Size,
		written: time.Unix(st.Mtim.Unix()),
	}
	if changed := time.Unix(st.Ctim.Unix()); changed.Unix() != 0 { // zero: a file system that keeps no such time
		id.changed = changed
	}
	return id, nil
}
