package vfs

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"
	"syscall"

	"github.com/spf13/afero"
)

// EntryKind says which entries of a directory a [Dir] has.
type EntryKind int

const (
	Openable   EntryKind = iota // those of Tree.ReadDir: files and directories, links described by their targets
	Everything                  // those of Tree.Entries: also special files, and links described by a *Link
)

func (k EntryKind) rule() listRule {
	if k == Everything {
		return listAll
	}
	return listOpenable
}

// Dir is an open directory whose entries are read a few hundred at a time, so that a directory of any size takes little
// memory. The order is that of the file system. Entries that come or go meanwhile may be missing or not; all others come
// once. Its methods are for one goroutine at a time.
type Dir struct {
	// Turn is called before entries are read, and its result afterwards: it can make the caller wait. Nil: nothing is.
	Turn func() (done func())

	next  func() ([]fs.FileInfo, error)
	close func()
	err   error // of the last Next
}

// DirOf returns a Dir with the entries that next returns: at least one, or an error, which is io.EOF at the end. close is
// called once.
func DirOf(next func() ([]fs.FileInfo, error), close func()) *Dir {
	return &Dir{next: next, close: close}
}

// Next returns the next entries, at least one; the caller may change the slice. The error is io.EOF at the end. After an
// error it returns the same one.
func (d *Dir) Next() ([]fs.FileInfo, error) {
	if d.err != nil {
		return nil, d.err
	}
	var infos []fs.FileInfo
	for len(infos) == 0 && d.err == nil {
		infos, d.err = d.read()
	}
	if len(infos) > 0 {
		return infos, nil // the error is that of the next call
	}
	return nil, d.err
}

func (d *Dir) read() ([]fs.FileInfo, error) {
	if d.Turn != nil {
		done := d.Turn()
		defer done()
	}
	return d.next()
}

// Close closes the directory. Later calls do nothing, and Next fails then.
func (d *Dir) Close() {
	if d.close != nil {
		d.close()
		d.close = nil
		d.err = fs.ErrClosed
	}
}

// batch is how many entries are read at once. They take a third of a kilobyte each.
const batch = 512

// OpenDir opens the directory name of t to read its entries. The caller closes the Dir.
//
// A Tree of another package can have a method OpenDir; the entries of any other are read as a whole.
func OpenDir(t Tree, name string, kind EntryKind) (*Dir, error) {
	switch t := t.(type) {
	case *Root:
		return t.openDir(name, kind)
	case interface {
		OpenDir(name string, kind EntryKind) (*Dir, error)
	}:
		return t.OpenDir(name, kind)
	}
	list := t.ReadDir
	if kind == Everything {
		list = t.Entries
	}
	infos, err := list(name)
	if err != nil {
		return nil, err
	}
	infos = slices.Clone(infos) // the caller may change them
	return DirOf(func() ([]fs.FileInfo, error) { return infos, io.EOF }, func() {}), nil
}

func (t *Root) openDir(name string, kind EntryKind) (*Dir, error) {
	path, err := localPath(name)
	if err != nil {
		return nil, t.pathError("readdir", name, err)
	}
	dir, err := t.shared.opener.openDir(path)
	if err != nil {
		return nil, t.pathError("readdir", name, err)
	}
	next := func() ([]fs.FileInfo, error) {
		names, err := dir.names(batch)
		if err != nil && err != io.EOF { //nolint:errorlint // the bare value, as from a Reader
			err = t.pathError("readdir", name, err)
		}
		return t.describe(path, dir, names, kind.rule()), err
	}
	return DirOf(next, func() { _ = dir.Close() }), nil
}

// OpenDir opens the directory name to read its entries. A file system that cannot read a directory in parts, as afero's
// zipfs, reads it as a whole.
func (a *adapter) OpenDir(name string, kind EntryKind) (*Dir, error) {
	full, err := a.fullName(name)
	if err != nil {
		return nil, a.pathError("readdir", name, err)
	}
	d := &adapterDir{adapter: a, full: full, rule: kind.rule()}
	fail := func(err error) error {
		if err != nil && err != io.EOF { //nolint:errorlint // the bare value, as from a Reader
			err = a.pathError("readdir", name, err)
		}
		return err
	}
	// The first entries are read by the same call: that is enough for a small directory.
	first, firstErr := d.call(d.open)
	if firstErr = fail(firstErr); firstErr != nil && firstErr != io.EOF { //nolint:errorlint // as above
		d.close()
		return nil, firstErr
	}
	isFirst := true
	next := func() ([]fs.FileInfo, error) {
		if isFirst {
			isFirst = false
			infos := first
			first = nil
			return infos, firstErr
		}
		infos, err := d.call(d.next)
		return infos, fail(err)
	}
	return DirOf(next, d.close), nil
}

// adapterDir is an open directory of another file system.
type adapterDir struct {
	*adapter
	full string
	rule listRule

	mu     sync.Mutex // held during calls of the file system; guards the fields below
	file   afero.File // nil: not open
	byName bool       // entries are described one by one
	ended  bool
	first  map[string]bool // names of the first entries, until the second ones are known
	last   string          // the last name that was read; "": none
	none   int             // calls without an entry, one after the other
}

// maxNone is how many calls of Readdir one after the other may return neither an entry nor an error, which means the end,
// or that an afero.RegexpFs hides so many entries.
const maxNone = 100

// call calls f, which reads entries.
func (d *adapterDir) call(f func() ([]fs.FileInfo, error)) ([]fs.FileInfo, error) {
	return callWithLimit(d.calls.at(d.full), func() ([]fs.FileInfo, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return f()
	}, nil)
}

// close closes the directory, or lets that be done when a call that was given up returns.
func (d *adapterDir) close() {
	closeFile := func() {
		defer d.mu.Unlock()
		if d.file != nil {
			_, _ = recoverPanic(func() (struct{}, error) { return struct{}{}, d.file.Close() })
		}
		d.file, d.ended = nil, true
	}
	if d.mu.TryLock() {
		closeFile()
		return
	}
	go func() {
		d.mu.Lock()
		closeFile()
	}()
}

// The methods below are for callers that hold mu.

// open opens the directory, and returns its first entries.
func (d *adapterDir) open() ([]fs.FileInfo, error) {
	asksName := !d.hasNoSpecialFiles()
	if asksName {
		if err := errNoDir(d.stat(d.full)); err != nil {
			return nil, err
		}
	}
	if err := d.reopen(); err != nil {
		return nil, err
	}
	if !asksName {
		if err := errNoDir(d.file.Stat()); err != nil {
			return nil, err
		}
	}
	return d.next()
}

// errNoDir returns the error of a Stat, or one if it has found no directory.
func errNoDir(fi fs.FileInfo, err error) error {
	if err == nil && !fi.IsDir() {
		err = syscall.ENOTDIR
	}
	return err
}

func (d *adapterDir) reopen() error {
	if d.file != nil {
		_ = d.file.Close() // nothing was written
		d.file = nil
	}
	file, err := d.fs.Open(d.full)
	if err != nil {
		return err
	}
	d.file = file
	return nil
}

// next returns the next entries. There may be none without an error.
func (d *adapterDir) next() ([]fs.FileInfo, error) {
	switch {
	case d.ended:
		return nil, io.EOF
	case d.byName:
		return d.nextByName()
	}
	infos, err := d.file.Readdir(batch)
	switch {
	case err == io.EOF: //nolint:errorlint // as above
		d.ended = true
	case err != nil:
		// An afero.FromIOFS fails if an entry vanishes during the call: describe each entry by itself.
		return d.resumeByName(err)
	case len(infos) == 0:
		if d.none++; d.none == maxNone {
			d.ended = true
		}
		return nil, nil
	}
	d.none = 0
	if d.first != nil && slices.ContainsFunc(infos, func(fi fs.FileInfo) bool { return fi != nil && d.first[fi.Name()] }) {
		return d.rest() // it begins anew in each call
	}
	if d.first = nil; d.last == "" {
		d.first = make(map[string]bool, len(infos))
		infos = slices.DeleteFunc(slices.Clone(infos), func(fi fs.FileInfo) bool { // as list does
			isOther := fi == nil || d.first[fi.Name()]
			if fi != nil {
				d.first[fi.Name()] = true
			}
			return isOther
		})
	}
	for _, fi := range infos {
		if fi != nil {
			d.last = fi.Name()
		}
	}
	return d.choose(d.full, infos, d.rule), d.end()
}

func (d *adapterDir) end() error {
	if d.ended {
		return io.EOF
	}
	return nil
}

// rest returns all entries but the first, which were returned before.
func (d *adapterDir) rest() ([]fs.FileInfo, error) {
	if err := d.reopen(); err != nil {
		return nil, err
	}
	infos, err := d.file.Readdir(-1)
	if err != nil && err != io.EOF { //nolint:errorlint // as above
		return nil, err
	}
	d.ended = true
	infos = slices.DeleteFunc(slices.Clone(infos), func(fi fs.FileInfo) bool { return fi == nil || d.first[fi.Name()] })
	return d.choose(d.full, infos, d.rule), io.EOF
}

// resumeByName reads on by names behind the last entry that was read, after Readdir has failed with err.
func (d *adapterDir) resumeByName(err error) ([]fs.FileInfo, error) {
	if reopenErr := d.reopen(); reopenErr != nil {
		return nil, err
	}
	d.byName, d.first = true, nil
	for behind := d.last; behind != ""; {
		names, nameErr := d.file.Readdirnames(batch)
		if i := slices.Index(names, behind); i >= 0 {
			behind = ""
			return d.describeNames(names[i+1:]), nil
		}
		if nameErr != nil || len(names) == 0 {
			return nil, err
		}
	}
	infos, nameErr := d.nextByName()
	if nameErr != nil && nameErr != io.EOF { //nolint:errorlint // as above
		return nil, err
	}
	return infos, nameErr
}

func (d *adapterDir) nextByName() ([]fs.FileInfo, error) {
	names, err := d.file.Readdirnames(batch)
	if len(names) == 0 && err == nil {
		err = io.EOF
	}
	d.ended = err != nil
	return d.describeNames(names), err
}

// describeNames describes entries one by one, and leaves out those that fail.
func (d *adapterDir) describeNames(names []string) []fs.FileInfo {
	infos := make([]fs.FileInfo, 0, len(names))
	for _, name := range names {
		if fi, err := d.lstat(path.Join(d.full, name)); err == nil {
			infos = append(infos, fi)
		}
	}
	return d.choose(d.full, infos, d.rule)
}
