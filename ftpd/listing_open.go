package ftpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"sluice/ftpd/internal/control"
	"sluice/ftpd/internal/list"
	"sluice/internal/account"
	"sluice/internal/budget"
	"sluice/internal/vfs"
)

// listing is the answer to a LIST, NLST, MLSD or STAT. The caller closes it.
//
// A directory of up to maxSorted entries is read before it is sent, and sorted. Of a larger one the others are read while it
// is sent, in the order of the file system, so that it takes little more memory while a client reads slowly. The lines of
// several directories, because of a pattern or the option -R, are made while they are sent.
type listing struct {
	session *session
	ctx     context.Context
	view    list.View
	format  list.Format
	room    *budget.Hold
	isFile  bool // it has one line, of what the argument names
	isTree  bool // it is recursive

	items []list.Item             // the first lines
	dir   *dirLines               // the next ones; nil: none
	rest  func(w *lineSink) error // writes the last ones; nil: none
	first *dirLines               // for rest; nil: none
}

const (
	maxSorted       = 10_000 // entries
	maxSortedOfMany = 2_500  // in each directory, if a listing has several

	// Units of Budget.Listed. Its unit is a line in memory.
	freeLines   = 500   // a listing of no more lines takes none: it is smaller than the buffer for sending
	streamUnits = 2_500 // of a directory that is read while it is sent: a few hundred entries as the file system describes them
	manyUnits   = maxSortedOfMany + streamUnits
)

var (
	errNoDirectory  = errors.New("not a directory")
	errTooManyLines = errors.New("too many entries")
	errTooManyDirs  = errors.New("too many directories for LIST -R")
	errNoRecursion  = errors.New("the option -R is for a directory, not for a pattern")
)

func (s *session) party() budget.Party { return s.user.party(account.NetworkOf(s.remote.Addr())) }

// openListing opens the listing for the argument of a command. It stops when ctx ends.
func (s *session) openListing(ctx context.Context, command, arg string) (*listing, error) {
	if !s.user.listsByPath() {
		if err := s.user.may(account.List, "/"); err != nil {
			return nil, err
		}
	}
	party := s.party()
	party.Mount = vfs.MountOf(s.user.tree, s.path(arg)).Point()
	turn, err := s.server.budget.Listings.Take(ctx, party, 1, 0)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	defer turn.Release()
	l := &listing{session: s, ctx: ctx, view: s.listView(s.path(arg)), format: list.FormatOf(command)}
	if command == "MLSD" {
		err = l.openMLSD(s.path(arg))
	} else {
		err = l.openNamed(command, arg)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// openMLSD opens the listing of the directory name itself, its parent, and its entries.
func (l *listing) openMLSD(name string) error {
	u := l.session.user
	self, err := u.stat(name)
	if err == nil && !self.IsDir() {
		err = errNoDirectory // RFC 3659, 7.2.1: MLSD lists only directories
	}
	if err != nil {
		return err
	}
	l.items = []list.Item{{Info: self, Name: ".", Type: "cdir"}}
	if name != "/" {
		above, err := u.stat(path.Dir(name))
		if err != nil {
			return err
		}
		l.items = append(l.items, list.Item{Info: above, Name: "..", Type: "pdir"})
	}
	return l.openDir(name, nil)
}

// openNamed opens the listing for the argument of LIST or NLST: the entries of a directory
// or of a link to one; any other file or link itself; or else the names that match arg as a
// pattern.
func (l *listing) openNamed(command, arg string) error {
	s := l.session
	s.updateContext(func(c *clientContext) { c.listPath = "" })
	isTree := false
	it, err := s.user.entry(s.path(arg))
	if err != nil && !s.server.policy.keepOptions {
		arg, isTree = withoutOptions(arg)
		it, err = s.user.entry(s.path(arg))
	}
	switch {
	case err != nil && list.IsPattern(arg):
		if isTree {
			return errNoRecursion
		}
		return l.openPattern(arg)
	case err != nil:
		return err
	case !it.LeadsToDir():
		if err := s.user.mayListFile(s.path(arg)); err != nil {
			return err
		}
		it.Name = arg
		l.items, l.isFile = []list.Item{it}, true
		return nil
	case isTree:
		return l.openTree(arg)
	case command != "NLST":
		return l.openDir(s.path(arg), nil)
	}
	prefix := sync.OnceValue(func() string { return s.listPrefix(arg) }) // known when the driver has read the directory
	return l.openDir(s.path(arg), func(it *list.Item) bool {
		it.Name = prefix() + it.Name // so that the client can use the names in commands
		return true
	})
}

// openDir opens the listing of a directory.
func (l *listing) openDir(name string, convert func(*list.Item) bool) (err error) {
	if l.dir, err = l.readDir(name, maxSorted, convert); err != nil {
		return err
	}
	switch n := len(l.dir.lines); {
	case l.isLarge():
		return l.take(n + streamUnits)
	case n > freeLines:
		return l.take(n)
	}
	return nil
}

// take takes room for lines in memory. A single listing may be of any size.
func (l *listing) take(lines int) (err error) {
	listed := l.session.server.budget.Listed
	l.room, err = listed.TryTake(l.session.party(), min(int64(lines), listed.Largest()))
	return err
}

// openPattern opens the listing of the names that match a pattern. Directories that cannot
// be read are skipped, and no match is an empty listing: clients would take an error for a
// failure of the server.
func (l *listing) openPattern(pattern string) error {
	s := l.session
	search, err := list.Expand(l.ctx, globTree{s}, pattern)
	if err != nil {
		return err
	}
	inDir := func(dir string) func(it *list.Item) bool {
		return func(it *list.Item) bool {
			if !search.Matches(it.Name) {
				return false
			}
			it.Name = dir + it.Name
			return true
		}
	}
	if _, isNamed := search.Name(""); !isNamed && len(search.Dirs) == 1 {
		dir := search.Dirs[0]
		if err := l.openDir(s.path(dir), inDir(dir)); !isUnreadable(err) {
			return err
		}
		return nil
	}
	if len(search.Dirs) == 0 {
		return nil
	}
	l.rest = func(w *lineSink) error {
		for _, dir := range search.Dirs {
			if l.ctx.Err() != nil {
				return context.Cause(l.ctx)
			}
			if name, ok := search.Name(dir); ok {
				it, err := s.user.entry(s.path(name))
				if err != nil {
					continue
				}
				it.Name = name
				if err := l.writeItem(w, it); err != nil {
					return err
				}
				continue
			}
			lines, err := l.readDir(s.path(dir), maxSortedOfMany, inDir(dir))
			if err == nil {
				err = lines.write(w)
				lines.close()
			}
			if err != nil && !isUnreadable(err) {
				return err
			}
		}
		return nil
	}
	return l.take(manyUnits)
}

// isUnreadable reports whether err means that there is no directory that the user can list.
// Listings of several directories leave it out.
func isUnreadable(err error) bool {
	return (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || vfs.IsInvalidPath(err)) && vfs.StoreFailure(err) == nil
}

// maxPending limits the names of directories that LIST -R has yet to enter, in bytes.
const maxPending = 1 << 20

// openTree opens the listing of a directory and of all beneath it, as ls -R shows them. It
// does not follow links.
func (l *listing) openTree(arg string) (err error) {
	top := strings.TrimSuffix(arg, "/")
	switch {
	case arg == "":
		top = "."
	case top == "":
		top = "/"
	}
	s := l.session
	l.isTree = true
	if l.first, err = l.readDir(s.path(arg), maxSortedOfMany, nil); err != nil {
		return err
	}
	l.rest = func(w *lineSink) error { return l.writeTree(w, top, l.first) }
	return l.take(manyUnits)
}

// writeTree writes the listing of the directory top, of which lines are the entries, and of
// all beneath it. Directories that cannot be read are empty.
func (l *listing) writeTree(w *lineSink, top string, lines *dirLines) error {
	pending, bytes := []string{top}, 0 // the last one comes next
	for {
		dir := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		bytes -= len(dir)
		if err := w.line(append(control.AppendPrintable(nil, dir), ":\r\n"...)); err != nil {
			return err
		}
		if lines != nil {
			err := lines.write(w)
			lines.close()
			if err != nil {
				return err
			}
			slices.Sort(lines.dirs)
			slices.Reverse(lines.dirs)
			for _, name := range lines.dirs {
				below := strings.TrimSuffix(dir, "/") + "/" + name
				if bytes += len(below); bytes > maxPending {
					return errTooManyDirs
				}
				pending = append(pending, below)
			}
		}
		if len(pending) == 0 {
			return nil
		}
		if err := w.line([]byte("\r\n")); err != nil {
			return err
		}
		var err error
		lines, err = l.readDir(l.session.path(pending[len(pending)-1]), maxSortedOfMany, nil)
		if err != nil && !isUnreadable(err) {
			return err
		}
	}
}

// isLarge reports whether a directory has so many entries that only the first ones are in memory.
func (l *listing) isLarge() bool { return l.dir != nil && l.dir.open != nil }

// bufferSize returns the size of a buffer that lets the lines be sent in few writes.
func (l *listing) bufferSize() int {
	if l.isLarge() || l.rest != nil {
		return listingBuffer
	}
	size := 1024 * max(len(l.items), 1)
	if l.dir != nil {
		size += len(l.dir.text)
	}
	return min(size, listingBuffer)
}

// write writes all lines.
func (l *listing) write(w *lineSink) error {
	for _, it := range l.items {
		if err := l.writeItem(w, it); err != nil {
			return err
		}
	}
	if l.dir != nil {
		if err := l.dir.write(w); err != nil {
			return err
		}
	}
	if l.rest != nil {
		return l.rest(w)
	}
	return nil
}

func (l *listing) writeItem(w *lineSink, it list.Item) error {
	w.buf = l.format(&l.view, w.buf[:0], it)
	return w.line(w.buf)
}

// close gives back what the listing takes.
func (l *listing) close() {
	l.dir.close()
	l.first.close()
	l.room.Release()
}

// lineSink counts the lines that it writes.
type lineSink struct {
	write func(line []byte) error
	max   int // lines; 0: any number
	n     int
	buf   []byte
}

// line writes a line, which ends in CRLF. The error is errTooManyLines if it is one too many.
func (w *lineSink) line(b []byte) error {
	if w.n++; w.max > 0 && w.n > w.max {
		return errTooManyLines
	}
	return w.write(b)
}

// dirLines are the lines of a directory: in memory, sorted by name, or else the first ones, and
// the others are made while they are written.
type dirLines struct {
	listing *listing
	convert func(*list.Item) bool // sets the name to show, and reports whether the item is shown; nil: all are

	text  []byte
	lines []textLine // of text
	open  *itemDir   // the others; nil: all are in memory
	dirs  []string   // names of the directories among them, as far as they are known; links are none

	dirBytes int // of dirs
}

// textLine is a line in dirLines.text.
type textLine struct {
	name     string
	from, to int
}

// openInTurns opens a directory, whose entries are read in turns.
func (l *listing) openInTurns(name string) (*itemDir, error) {
	dir, err := l.session.user.openDir(name)
	if err == nil {
		party := l.session.party()
		dir.dir.Turn = func() func() { return l.session.server.budget.Directories.Turn(l.ctx, party) }
	}
	return dir, err
}

// readDir reads a directory. If it has more than sorted entries, the others are read when the
// lines are written.
func (l *listing) readDir(name string, sorted int, convert func(*list.Item) bool) (*dirLines, error) {
	d := &dirLines{listing: l, convert: convert}
	dir, err := l.openInTurns(name)
	if err != nil {
		return nil, err
	}
	for err == nil && len(d.lines) <= sorted {
		err = d.next(dir, func(it *list.Item, name string) error {
			from := len(d.text)
			d.text = l.format(&l.view, d.text, *it)
			d.lines = append(d.lines, textLine{name, from, len(d.text)})
			return nil
		})
	}
	if err == nil {
		d.open = dir
		return d, nil
	}
	dir.close()
	if err != io.EOF { //nolint:errorlint // the bare value, as from a Reader
		return nil, err
	}
	slices.SortFunc(d.lines, func(a, b textLine) int { return strings.Compare(a.name, b.name) })
	return d, nil
}

// next calls f for the next items of a directory, with the names that they have in it. The
// error is io.EOF at the end.
func (d *dirLines) next(dir *itemDir, f func(it *list.Item, name string) error) error {
	items, err := dir.next()
	if d.listing.ctx.Err() != nil && err != io.EOF { //nolint:errorlint // the bare value, as from a Reader
		err = context.Cause(d.listing.ctx)
	}
	if err != nil {
		return err
	}
	if d.open == nil {
		d.lines, d.text = slices.Grow(d.lines, len(items)), slices.Grow(d.text, 64*len(items))
	}
	for i := range items {
		it := &items[i]
		name := it.Name
		if d.convert != nil && !d.convert(it) {
			continue
		}
		if d.listing.isTree && it.Info.IsDir() && it.Link == nil {
			if d.dirBytes += len(name); d.dirBytes > maxPending {
				return errTooManyDirs
			}
			d.dirs = append(d.dirs, name)
		}
		if err := f(it, name); err != nil {
			return err
		}
		*it = list.Item{} // the client may read slowly
	}
	return nil
}

// write writes the lines.
func (d *dirLines) write(w *lineSink) error {
	for _, line := range d.lines {
		if err := w.line(d.text[line.from:line.to]); err != nil {
			return err
		}
	}
	if d.open == nil {
		return nil
	}
	d.lines, d.text = nil, nil
	if d == d.listing.dir { // there is no other
		d.listing.room.Shrink(streamUnits)
	}
	for {
		err := d.next(d.open, func(it *list.Item, _ string) error { return d.listing.writeItem(w, *it) })
		if err == io.EOF { //nolint:errorlint // the bare value, as from a Reader
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// close closes the directory. d may be nil.
func (d *dirLines) close() {
	if d != nil && d.open != nil {
		d.open.close()
	}
}
