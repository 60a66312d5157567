package fsprobe

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// typeNames are names for the numbers of statfs(2), where there is no list of mounts.
var typeNames = map[uint32]string{
	unix.NFS_SUPER_MAGIC: "nfs", unix.FUSE_SUPER_MAGIC: "fuse", unix.CEPH_SUPER_MAGIC: "ceph", unix.V9FS_MAGIC: "9p",
	unix.AFS_SUPER_MAGIC: "afs", unix.CODA_SUPER_MAGIC: "coda", 0xff534d42: "cifs", 0xfe534d42: "smb2", 0x6a656a63: "virtiofs",
}

// typeOf asks the file system of dir for its type; "": not known, or local.
func typeOf(dir *os.File) string {
	var st unix.Statfs_t
	err := unix.Fstatfs(int(dir.Fd()), &st)
	runtime.KeepAlive(dir)
	if err != nil {
		return ""
	}
	return typeNames[uint32(st.Type)] //nolint:unconvert // its type differs between architectures
}
