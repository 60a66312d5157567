//go:build !unix && !windows

package fileid

import "os"

// ofOS asks for the present state of f, as much as there is. The time of its last
// change is not, so it is not known.
func ofOS(f *os.File) (ID, error) {
	info, err := f.Stat()
	if err != nil {
		return ID{}, err
	}
	return OfInfo(info), nil
}
