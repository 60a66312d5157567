package fsprobe

import "strings"

// networkTypes are the file systems of other machines that are no FUSE.
var networkTypes = map[string]bool{
	"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "smbfs": true, "smb2": true, "ceph": true, "9p": true, "virtiofs": true,
	"afs": true, "coda": true, "lustre": true, "beegfs": true, "gpfs": true, "orangefs": true, "pvfs2": true, "glusterfs": true,
	"vboxsf": true, "vmhgfs": true, "prl_fs": true, "afpfs": true, "webdav": true,
}

// kindOf returns the kind of a type of file system. fuseblk is FUSE on a disk of this machine.
func kindOf(name string) Kind {
	switch {
	case networkTypes[name]:
		return Network
	case name == "fuse" || name == "fuseblk" || strings.HasPrefix(name, "fuse.") || name == "fusefs" ||
		strings.HasPrefix(name, "fusefs.") || name == "macfuse" || name == "osxfuse":
		return FUSE
	}
	return Local
}
