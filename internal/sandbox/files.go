package sandbox

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// NamedFiles lists what the helper for files is good for. Names are as they will be asked for,
// absolute or relative to the working directory.
type NamedFiles struct {
	Read   []string // files to open for reading
	Remove []string // unix sockets to remove at the end
}

// Files opens files that were named before Contain, and nothing else, with the rights that
// the process had then. A nil *Files opens any file with the rights of the process. It may be
// used by any number of goroutines at once.
type Files struct {
	named  NamedFiles
	helper helper
}

// ErrNotNamed is the cause of the error of Open for a file that was not named at the start.
type ErrNotNamed struct{ Name string }

func (e ErrNotNamed) Error() string {
	return fmt.Sprintf("%s was not named when the server started, and a contained server opens nothing else; start it again", e.Name)
}

// Open opens a regular file for reading, at the place where its name leads now. The caller
// closes it.
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

// ReadFile is os.ReadFile by Open.
func (f *Files) ReadFile(name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// Remove removes a socket that was named.
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

// Check reports the first file that cannot be opened.
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

// Close ends the helper. Files cannot be opened any more.
func (f *Files) Close() error {
	if f == nil {
		return nil
	}
	return f.helper.close()
}

// What the helper can be asked for.
const (
	opOpen   = 'o'
	opRemove = 'r'
)
