//go:build !linux

package fileid

import "io/fs"

// OfInfo returns the ID of the version that info describes, here without Device,
// Inode and Changed.
func OfInfo(info fs.FileInfo) ID { return fromInfo(info) }
