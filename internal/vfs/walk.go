package vfs

import (
	"io/fs"
	"path"
	"path/filepath"
)

// Walk calls f for each entry beneath the directory name, sorted by name; the entries of a directory follow directly
// after it. The paths are relative to name, as "docs/readme.txt". f is not called for name itself.
//
// Entries are those of [Root.ReadDir] without links to directories, so that loops of links do not matter and each
// directory is walked once.
//
// If a directory cannot be read, f is called again for it with the error. f may return [fs.SkipDir], to skip the
// entries of a directory or, for a file, the rest of its directory, or [fs.SkipAll] to end the walk. Any other error ends
// the walk, and Walk returns it.
//
// The tree may change meanwhile. Walk has at most one directory open, and none when it calls f.
func (t *Root) Walk(name string, f filepath.WalkFunc) error {
	top, err := localPath(name)
	if err != nil {
		return t.pathError("readdir", name, err)
	}
	w := walk{f: f, list: func(rel string) ([]fs.FileInfo, error) {
		name := name
		infos, err := t.list(filepath.Join(top, filepath.FromSlash(rel)), listForWalk)
		if err != nil {
			if rel != "" {
				name = path.Join(name, rel)
			}
			return nil, t.pathError("readdir", name, err)
		}
		return infos, nil
	}}
	return w.run()
}

// walk is the state of one call of Walk.
type walk struct {
	f filepath.WalkFunc

	// list describes the entries of a directory, whose path is relative to the top directory; "" is the top.
	list func(rel string) ([]fs.FileInfo, error)
}

// run walks the whole tree.
func (w *walk) run() error {
	infos, err := w.list("")
	if err != nil {
		return err
	}
	if err := w.visitEntries("", infos); err != fs.SkipAll { //nolint:errorlint // f returns the value itself, as for fs.WalkDir
		return err
	}
	return nil
}

// visitEntries visits infos, the entries of the directory dir, which is "" or ends in a slash.
func (w *walk) visitEntries(dir string, infos []fs.FileInfo) error {
	for _, fi := range infos {
		rel := dir + fi.Name()
		err := w.f(rel, fi, nil)
		if err == nil && fi.IsDir() {
			err = w.visitDir(rel, fi)
		}
		if err == fs.SkipDir { //nolint:errorlint // the value itself
			if !fi.IsDir() {
				return nil
			}
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// visitDir visits the entries of the directory rel.
func (w *walk) visitDir(rel string, fi fs.FileInfo) error {
	infos, err := w.list(rel)
	if err != nil {
		return w.f(rel, fi, err)
	}
	return w.visitEntries(rel+"/", infos)
}
