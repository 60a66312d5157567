package upload

import (
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// accessList is the name of the attribute with the access control list of a file (acl(5)).
const accessList = "system.posix_acl_access"

// readXattrs returns the access control list of f and its user.* attributes. Attributes of the kernel (security, trusted)
// belong to the individual file and are not copied.
func readXattrs(f *os.File) (all []xattr) {
	fd := int(f.Fd())
	defer runtime.KeepAlive(f)
	names := make([]byte, 1024)
	n, err := unix.Flistxattr(fd, names)
	for err == unix.ERANGE { //nolint:errorlint // a system call's bare errno
		names = make([]byte, 4*len(names)) // 64 KiB at most, listxattr(2)
		n, err = unix.Flistxattr(fd, names)
	}
	if err != nil || n == 0 {
		return nil
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00") {
		if name != accessList && !strings.HasPrefix(name, "user.") {
			continue
		}
		value := make([]byte, 64<<10) // the limit of the kernel, xattr(7)
		if n, err := unix.Fgetxattr(fd, name, value); err == nil {
			all = append(all, xattr{name, slices.Clone(value[:n])})
		}
	}
	return all
}

// setXattrs sets extended attributes of f, as far as its file system allows, and reports whether an access control list is
// among them. If not, it removes one that f has inherited from its directory.
func setXattrs(all []xattr, f *os.File) (hasACL bool) {
	fd := int(f.Fd())
	defer runtime.KeepAlive(f)
	for _, a := range all {
		if err := unix.Fsetxattr(fd, a.name, a.value, 0); err == nil && a.name == accessList {
			hasACL = true
		}
	}
	if !hasACL {
		_ = unix.Fremovexattr(fd, accessList) // ENODATA: it has none
	}
	return hasACL
}

// copyUserXattrs gives the file to the user.* attributes of from, as far as its file system allows.
func copyUserXattrs(to, from *os.File) {
	fd := int(to.Fd())
	defer runtime.KeepAlive(to)
	for _, a := range readXattrs(from) {
		if a.name != accessList {
			_ = unix.Fsetxattr(fd, a.name, a.value, 0)
		}
	}
}
