package sandbox

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// NamedFiles lists what the helper may do. Names are absolute or relative to the working
// directory, and requests use the same form.
type NamedFiles struct {
	Read   []string // files to open for reading
	Remove []string // unix sockets to remove at the end
}

// Files opens files that were named before Contain, and no others, with the rights that the
// process had then. A nil *Files opens any file with the rights of the process. Files may be
// used by several goroutines at once.
type Files struct {
	named  NamedFiles
	helper helper
}

// ErrNotNamed is returned by Open for a file that was not named at the start.
type ErrNotNamed struct{ Name string }

func (e ErrNotNamed) Error() string {
	return fmt.Sprintf("%s was not named when the server started, and the sandbox allows no other file; restart the server", e.Name)
}

// Open opens a regular file for reading. Its name is looked up anew. The caller closes the
// file.
func (f *Files) Open(name string) (*os.File, error) {
	if f == nil {
		return os.Open(name)
	}
	i := slices.Index(f.named.Read, name)
	if i < 0 {
		return nil, ErrNotNamed{name}
	}
	file, err := f.helper.request(opOpen, i, name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file, nil
}

// ReadFile is os.ReadFile with Open.
func (f *Files) ReadFile(name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// Remove removes a unix socket that was named.
func (f *Files) Remove(name string) error {
	if f == nil {
		return os.Remove(name)
	}
	i := slices.Index(f.named.Remove, name)
	if i < 0 {
		return ErrNotNamed{name}
	}
	if _, err := f.helper.request(opRemove, i, name); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

// Check returns the error of the first file that cannot be opened.
func (f *Files) Check() error {
	if f == nil {
		return nil
	}
	for _, name := range f.named.Read {
		file, err := f.Open(name)
		if err != nil {
			return err
		}
		_ = file.Close()
	}
	return nil
}

// Close ends the helper. Files must not be used afterwards.
func (f *Files) Close() error {
	if f == nil {
		return nil
	}
	return f.helper.close()
}

// The operations of the helper.
const (
	opOpen   = 'o'
	opRemove = 'r'
)
