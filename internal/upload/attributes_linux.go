package upload

import (
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// accessList is the attribute that holds the access control list of a file (acl(5)).
const accessList = "system.posix_acl_access"

// extendedOf returns the extended attributes of f that are about its content or who may read it. Those of the kernel
// (security, trusted) are about the very file.
func extendedOf(f *os.File) (all []extended) {
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
			all = append(all, extended{name, slices.Clone(value[:n])})
		}
	}
	return all
}

// passExtended gives f extended attributes, as far as its file system takes them, and reports whether an access
// control list is among them. A list that f has got from its directory is taken away otherwise.
func passExtended(all []extended, f *os.File) (hasList bool) {
	fd := int(f.Fd())
	defer runtime.KeepAlive(f)
	for _, a := range all {
		if err := unix.Fsetxattr(fd, a.name, a.value, 0); err == nil && a.name == accessList {
			hasList = true
		}
	}
	if !hasList {
		_ = unix.Fremovexattr(fd, accessList) // ENODATA: it has none
	}
	return hasList
}
