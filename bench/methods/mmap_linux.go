package methods

import (
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// mapSize is how much of a file is mapped at once.
const mapSize = 8 << 20

func openMmap(conn net.Conn) (sender, error) {
	return sender{send: func(f *os.File, off, n int64) error {
		// Touching a page behind the end of the file raises SIGBUS.
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if off+n > info.Size() {
			return io.ErrUnexpectedEOF
		}
		for n > 0 {
			part := min(n, mapSize)
			if err := writeMapped(conn, f, off, part); err != nil {
				return err
			}
			off += part
			n -= part
		}
		return nil
	}}, nil
}

// writeMapped maps n bytes at off and writes them. The mapping begins at the
// page of off, as mmap(2) demands.
func writeMapped(conn net.Conn, f *os.File, off, n int64) error {
	defer runtime.KeepAlive(f)
	skip := off % int64(os.Getpagesize())
	p, err := unix.Mmap(int(f.Fd()), off-skip, int(skip+n), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	_, err = conn.Write(p[skip:])
	if unmapErr := unix.Munmap(p); err == nil {
		err = os.NewSyscallError("munmap", unmapErr)
	}
	return err
}
