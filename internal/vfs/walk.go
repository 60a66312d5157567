package vfs

import (
	"io/fs"
	"path"
	"path/filepath"
)

// Walk calls f for each entry beneath the directory name: those of one directory sorted by name, and what is in a
// directory right after it. The path that f is given is below name, as "docs/readme.txt"; the directory name itself
// is not among them.
//
// Entries are as [Root.ReadDir] has them, but links that lead to a directory are left out. So each directory is
// walked once, at its own place, and no loop or net of links makes the walk endless.
//
// When a directory cannot be read, f is called a second time for it, with the error; what it returns decides. f may
// return [fs.SkipDir], for a directory to pass over what is in it and for a file to pass over the rest of its
// directory, or [fs.SkipAll] to end the walk. Any other error ends the walk, and Walk returns it.
//
// The tree may change meanwhile. Walk has one directory open at a time, while it reads it, and none when it calls f.
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

// walk is what one call of Walk is about.
type walk struct {
	f filepath.WalkFunc

	// list describes the entries of a directory by its path beneath the top, "" for that itself.
	list func(rel string) ([]fs.FileInfo, error)
}

// run walks everything.
func (w *walk) run() error {
	infos, err := w.list("")
	if err != nil {
		return err
	}
	if err := w.visitEntries("", infos); err != fs.SkipAll { //nolint:errorlint // f returns the bare value, as for fs.WalkDir
		return err
	}
	return nil
}

// visitEntries walks the entries of the directory dir, which is "" or ends in a slash.
func (w *walk) visitEntries(dir string, infos []fs.FileInfo) error {
	for _, fi := range infos {
		rel := dir + fi.Name()
		err := w.f(rel, fi, nil)
		if err == nil && fi.IsDir() {
			err = w.visitDir(rel, fi)
		}
		if err == fs.SkipDir { //nolint:errorlint // as in Walk
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

// visitDir walks what is in the directory rel.
func (w *walk) visitDir(rel string, fi fs.FileInfo) error {
	infos, err := w.list(rel)
	if err != nil {
		return w.f(rel, fi, err)
	}
	return w.visitEntries(rel+"/", infos)
}
