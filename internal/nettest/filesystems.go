package nettest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/afero"
	"github.com/spf13/afero/tarfs"
	"github.com/spf13/afero/zipfs"
)

// FileSystem is an afero.Fs of one kind.
type FileSystem struct {
	Name     string
	FS       afero.Fs
	Real     bool // its files are *os.File or wrappers of *os.File
	Writable bool
}

// FileSystems returns file systems of many kinds with the same files. Their names are relative with slashes. modTime, in
// whole seconds, is their time of modification.
func FileSystems(t testing.TB, files map[string]string, modTime time.Time) []FileSystem {
	t.Helper()
	disk := func() (afero.Fs, string) {
		dir := TempDir(t)
		fill(t, afero.NewBasePathFs(afero.NewOsFs(), dir), files, modTime)
		return afero.NewBasePathFs(afero.NewOsFs(), dir), dir
	}
	memory := func() afero.Fs {
		fsys := afero.NewMemMapFs()
		fill(t, fsys, files, modTime)
		return fsys
	}
	zipped := zipOf(t, files, modTime)
	mapped := make(fstest.MapFS)
	for name, content := range files {
		mapped[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644, ModTime: modTime}
	}

	based, _ := disk()
	readOnly, _ := disk()
	union, _ := disk()
	_, dir := disk()
	_, nested := disk()
	return []FileSystem{
		{"BasePathFs over OsFs", based, true, true},
		{"BasePathFs over BasePathFs over OsFs", afero.NewBasePathFs(afero.NewBasePathFs(afero.NewOsFs(), filepath.Dir(nested)), filepath.Base(nested)), true, true},
		{"ReadOnlyFs over BasePathFs over OsFs", afero.NewReadOnlyFs(readOnly), true, false},
		{"CopyOnWriteFs, files in the base", afero.NewCopyOnWriteFs(afero.NewReadOnlyFs(union), afero.NewMemMapFs()), true, true},
		{"CopyOnWriteFs, files in the layer", afero.NewCopyOnWriteFs(afero.NewMemMapFs(), memory()), false, true},
		{"CopyOnWriteFs over FromIOFS over a map", afero.NewCopyOnWriteFs(afero.FromIOFS{FS: mapped}, afero.NewMemMapFs()), false, true},
		{"MemMapFs", memory(), false, true},
		{"ReadOnlyFs over MemMapFs", afero.NewReadOnlyFs(memory()), false, false},
		{"BasePathFs over MemMapFs", afero.NewBasePathFs(memory(), "/"), false, true},
		{"FromIOFS over os.DirFS", afero.FromIOFS{FS: os.DirFS(dir)}, true, false},
		{"FromIOFS over a map", afero.FromIOFS{FS: mapped}, false, false},
		{"FromIOFS over a zip", afero.FromIOFS{FS: zipped}, false, false},
		{"zipfs", zipfs.New(zipped), false, false},
		{"tarfs", tarOf(t, files, modTime), false, false},
	}
}

// fill writes the files to fsys.
func fill(t testing.TB, fsys afero.Fs, files map[string]string, modTime time.Time) {
	t.Helper()
	for name, content := range files {
		name = "/" + name
		err := fsys.MkdirAll(path.Dir(name), 0o755)
		if err == nil {
			err = afero.WriteFile(fsys, name, []byte(content), 0o644)
		}
		if err == nil {
			err = fsys.Chtimes(name, modTime, modTime)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// directories returns all parents of the files, sorted, so that a directory precedes its subdirectories.
func directories(files map[string]string) []string {
	all := make(map[string]bool)
	for name := range files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			all[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// zipOf returns a zip archive of the files, compressed, and of their directories.
func zipOf(t testing.TB, files map[string]string, modTime time.Time) *zip.Reader {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, content string) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: modTime})
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range directories(files) {
		add(dir+"/", "")
	}
	for name, content := range files {
		add(name, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tarOf returns a tar archive of the files and of their directories.
func tarOf(t testing.TB, files map[string]string, modTime time.Time) afero.Fs {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, content string) {
		h.Size, h.ModTime = int64(len(content)), modTime
		err := w.WriteHeader(&h)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range directories(files) {
		add(tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o755}, "")
	}
	for name, content := range files {
		add(tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return tarfs.New(tar.NewReader(&b))
}
