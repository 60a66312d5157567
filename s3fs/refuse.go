package s3fs

import (
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/afero"
)

func readOnly(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: syscall.EROFS} }

// Create is refused, as all methods below.
func (s *FS) Create(name string) (afero.File, error)              { return nil, readOnly("open", name) }
func (s *FS) Mkdir(name string, _ fs.FileMode) error              { return readOnly("mkdir", name) }
func (s *FS) MkdirAll(name string, _ fs.FileMode) error           { return readOnly("mkdir", name) }
func (s *FS) Remove(name string) error                            { return readOnly("remove", name) }
func (s *FS) RemoveAll(name string) error                         { return readOnly("remove", name) }
func (s *FS) Chmod(name string, _ fs.FileMode) error              { return readOnly("chmod", name) }
func (s *FS) Chown(name string, _, _ int) error                   { return readOnly("chown", name) }
func (s *FS) Chtimes(name string, _ time.Time, _ time.Time) error { return readOnly("chtimes", name) }

func (s *FS) Rename(from, to string) error {
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EROFS}
}
