//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package userfile

import (
	"io/fs"
	"os"
)

// There are no locks here: of two concurrent edits one is lost, but the file is whole.

func openNext(name string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) }

func isOwn(fs.FileInfo) bool { return true }

func makePrivate(*os.File) error { return nil }

func lock(*os.File) error { return nil }

func keepAttributes(f *os.File, old fs.FileInfo) error { return nil }

// rename closes f first: Windows renames no open file.
func rename(f *os.File, target string) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

func syncDir(string) error { return nil }
