//go:build !unix && !windows

package fileid

import "os"

// ofOS returns the ID of f, here without Device, Inode and Changed.
func ofOS(f *os.File) (ID, error) {
	info, err := f.Stat()
	if err != nil {
		return ID{}, err
	}
	return OfInfo(info), nil
}
