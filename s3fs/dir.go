package s3fs

import (
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/afero"
)

// pageSize is how many entries a request for a listing asks for: the most that stores give.
const pageSize = 1000

// dir is an open directory. It holds one page of its listing.
type dir struct {
	noWrites
	fs   *FS
	name string
	info *info

	token string
	page  []fs.FileInfo // that was not returned yet
	done  bool          // there is no further page

	hiding []string // files whose names later directories may have
}

var _ afero.File = (*dir)(nil)

func (d *dir) Name() string               { return d.name }
func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dir) Close() error               { return nil }

func (d *dir) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: d.name, Err: err}
}

// Read fails: this is a directory.
func (d *dir) Read([]byte) (int, error)          { return 0, d.fail("read", syscall.EISDIR) }
func (d *dir) ReadAt([]byte, int64) (int, error) { return 0, d.fail("read", syscall.EISDIR) }

// Seek to the beginning lists the directory again.
func (d *dir) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekStart {
		return 0, d.fail("seek", syscall.EINVAL)
	}
	d.token, d.page, d.done, d.hiding = "", nil, false, nil
	return 0, nil
}

// Readdir returns the next entries, as (*os.File).Readdir: up to n and io.EOF at the end, or all if n is not positive.
// Directories have no time.
func (d *dir) Readdir(n int) (entries []fs.FileInfo, err error) {
	for n <= 0 || len(entries) < n {
		if len(d.page) == 0 {
			if d.done {
				break
			}
			if err := d.next(); err != nil {
				return entries, d.fail("readdir", err)
			}
			continue
		}
		some := len(d.page)
		if n > 0 {
			some = min(some, n-len(entries))
		}
		entries = append(entries, d.page[:some]...)
		d.page = d.page[some:]
	}
	if n > 0 && len(entries) == 0 {
		return nil, io.EOF
	}
	return entries, nil
}

// next gets a page of the listing.
func (d *dir) next() error {
	prefix := d.fs.key(d.name)
	if prefix == "" {
		prefix = d.fs.prefix
	} else {
		prefix += "/"
	}
	ctx, done := d.fs.request()
	defer done()
	page, err := d.fs.list(ctx, prefix, d.token, pageSize)
	if err != nil {
		return err
	}
	files := page.Contents
	dirs, err := d.fs.existing(ctx, page.CommonPrefixes)
	if err != nil {
		return err
	}
	for len(files) > 0 || len(dirs) > 0 { // both are in the order of the keys
		if len(dirs) == 0 || len(files) > 0 && files[0].Key < dirs[0].Prefix {
			name := strings.TrimPrefix(files[0].Key, prefix)
			d.passBy(name)
			if isName(name) {
				d.page = append(d.page, fileOf(name, &files[0]))
				d.hiding = append(d.hiding, name)
			} else if name != "" { // that of the directory itself
				d.fs.problems.add(files[0].Key, noPath)
			}
			files = files[1:]
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(dirs[0].Prefix, prefix), "/")
		d.passBy(name + "/")
		switch isHidden := slices.Contains(d.hiding, name); {
		case !isName(name):
			d.fs.problems.add(dirs[0].Prefix, noPath)
		case isHidden:
			d.fs.problems.add(dirs[0].Prefix, "a file has the name of this directory, so what is in it is in no listing")
		default:
			d.page = append(d.page, directory(name))
		}
		dirs = dirs[1:]
	}
	d.token = page.NextContinuationToken
	d.done = !page.IsTruncated || d.token == ""
	return nil
}

const noPath = "the key is no path of a file, so it can be neither listed nor named"

// passBy forgets the files that cannot hide a directory any more: no later key begins with their names.
func (d *dir) passBy(key string) {
	d.hiding = slices.DeleteFunc(d.hiding, func(name string) bool { return !strings.HasPrefix(key, name) })
}

// isName reports whether a part of a key can be the name of a file.
func isName(name string) bool { return name != "" && name != "." && name != ".." }

// Readdirnames is Readdir without all but the names.
func (d *dir) Readdirnames(n int) ([]string, error) {
	entries, err := d.Readdir(n)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}
