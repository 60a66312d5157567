//go:build !linux

package upload

import "os"

// readXattrs returns nil: extended attributes are copied on Linux only.
func readXattrs(*os.File) []xattr { return nil }

// setXattrs does nothing, see readXattrs.
func setXattrs([]xattr, *os.File) (hasACL bool) { return false }

// copyUserXattrs does nothing, see readXattrs.
func copyUserXattrs(_, _ *os.File) {}
