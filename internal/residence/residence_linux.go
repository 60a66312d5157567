package residence

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Types of file systems that x/sys has no names for.
const (
	erofs    = 0xe0f5e1e2
	hfsPlus  = 0x482b
	jfs      = 0x3153464a
	ntfs3    = 0x7366746e
	ufs      = 0x00011954
	zfs      = 0x2fc12fc1
	btrfs    = unix.BTRFS_SUPER_MAGIC
	bcachefs = unix.BCACHEFS_SUPER_MAGIC
)

func of(f *os.File) Residence {
	var st unix.Statfs_t
	err := unix.Fstatfs(int(f.Fd()), &st)
	for err == unix.EINTR { //nolint:errorlint // a system call's bare errno; FUSE and NFS return it
		err = unix.Fstatfs(int(f.Fd()), &st)
	}
	runtime.KeepAlive(f)
	if err != nil {
		return Unknown
	}
	return ofType(uint32(st.Type)) //nolint:unconvert // its type differs between architectures
}

// ofType returns the residence of files in a file system with that number. FUSE has one number for all, also for those
// that are mounted from a block device: they are remote, and so is every file system that is not in the list.
func ofType(number uint32) Residence {
	switch number {
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.HUGETLBFS_MAGIC:
		return Memory
	case unix.EXT4_SUPER_MAGIC, // also that of ext2 and ext3
		unix.XFS_SUPER_MAGIC, btrfs, bcachefs, zfs, unix.F2FS_SUPER_MAGIC, jfs, unix.REISERFS_SUPER_MAGIC, unix.NILFS_SUPER_MAGIC,
		unix.OVERLAYFS_SUPER_MAGIC, erofs, unix.SQUASHFS_MAGIC, unix.CRAMFS_MAGIC, unix.ISOFS_SUPER_MAGIC, unix.UDF_SUPER_MAGIC,
		unix.MSDOS_SUPER_MAGIC, unix.EXFAT_SUPER_MAGIC, ntfs3, hfsPlus, ufs:
		return Disk
	}
	return Remote
}

func isWarm(f *os.File, off, n int64) bool {
	fd := int(f.Fd())
	warm := n <= 0 || isByteWarm(fd, off) && (n == 1 || isByteWarm(fd, off+n-1))
	runtime.KeepAlive(f)
	return warm
}

// isByteWarm reads one byte, if it is in the page cache. EAGAIN means that it is not, EOPNOTSUPP that the file system
// does not know, and no byte that the file has become shorter.
//
// It is no RawSyscall, which would keep the processor from other goroutines: for a byte that is not there the kernel
// begins to read ahead, and may have to read first where on the disk the file is.
func isByteWarm(fd int, off int64) bool {
	var b byte
	iov := unix.Iovec{Base: &b}
	iov.SetLen(1)
	n, _, _ := unix.Syscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&iov)), 1,
		uintptr(off), uintptr(uint64(off)>>32), unix.RWF_NOWAIT) // 64-bit kernels ignore the high half
	return n == 1
}
