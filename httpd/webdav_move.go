package httpd

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"sluice/httpd/internal/dav"
	"sluice/httpd/internal/plan"
	"sluice/internal/durable"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// relocation is a MOVE or a COPY that may be made.
type relocation struct {
	from, to  string
	info      fs.FileInfo // of from
	old       fs.FileInfo // what to is so far; nil: nothing
	overwrite bool
	isCase    bool // only the case of the name changes
}

// plannedRelocation checks all that a MOVE and a COPY have in common. checkRights returns why the client may not make it,
// whatever there is.
func (ch *change) plannedRelocation(checkRights func(from, to string) error) (m relocation, err error) {
	m.from = ch.name
	lines := ch.r.Header.Values("Destination")
	if len(lines) != 1 {
		return m, errDestination
	}
	if m.to, err = ch.nameOf(lines[0]); err != nil {
		return m, err
	}
	ch.newName = m.to
	if m.overwrite, err = dav.ParseOverwrite(ch.r.Header.Get("Overwrite")); err != nil {
		return m, refuse(http.StatusBadRequest, "The field Overwrite must be T or F.")
	}
	switch {
	case ch.hides(m.to):
		return m, errHidden
	case m.to == "/":
		return m, errTop
	}
	if err := checkRights(m.from, m.to); err != nil {
		return m, err
	}
	if err := ch.checkKnown(m.to); err != nil {
		return m, err
	}
	if m.info, err = ch.stat(m.from); err != nil {
		return m, err
	}
	switch {
	case !m.info.IsDir() && ch.isToDirectory():
		return m, fs.ErrNotExist // as for GET
	case m.to == m.from:
		return m, refuse(http.StatusForbidden, "Destination is the same file.")
	case strings.HasPrefix(m.from, m.to+"/"):
		return m, refuse(http.StatusForbidden, "Destination is a directory above this, which cannot be replaced by a part of it.")
	case m.info.IsDir() && (m.from == "/" || strings.HasPrefix(m.to, m.from+"/")):
		return m, refuse(http.StatusForbidden, "Destination is in the directory itself.")
	}
	if err := ch.checkParent(m.to); err != nil {
		return m, err
	}
	from, ok1 := vfs.PlaceOf(ch.tree, m.from)
	to, ok2 := vfs.PlaceOf(ch.tree, m.to)
	if ok1 && ok2 && (from.Contains(to) || to.Contains(from)) { // by links in the names of directories
		return m, refuse(http.StatusForbidden, "Destination is in the directory itself, or above it.")
	}
	switch m.old, err = ch.tree.Lstat(m.to); {
	case errors.Is(err, fs.ErrNotExist):
		m.old = nil
	case err != nil:
		return m, err
	case !m.overwrite:
		return m, errCondition
	case strings.EqualFold(m.from, m.to) && os.SameFile(m.info, m.old): // on a file system that ignores case
		m.isCase = true
		m.old = nil
	}
	if strings.HasSuffix(lines[0], "/") && !m.info.IsDir() && (m.old == nil || !m.old.IsDir()) {
		return m, refuse(http.StatusConflict, "A name that ends with a slash is that of a directory.")
	}
	return m, m.checkReplace(ch)
}

// checkReplace returns the refusal if a right to replace what there is so far is missing.
func (m *relocation) checkReplace(ch *change) error {
	if m.old == nil {
		return nil
	}
	if !ch.h.rightsAt(m.to).Has(Change) {
		return &refusal{status: http.StatusForbidden, reason: `This needs the right "change": there is something of the name of Destination.`, cause: fs.ErrPermission, isForRight: true}
	}
	if m.replacesTree() {
		return ch.checkRemoveTree(m.to, m.old)
	}
	return nil
}

// replacesTree reports whether a directory is replaced, or a file by a directory, which no rename can do.
func (m *relocation) replacesTree() bool { return m.old != nil && (m.old.IsDir() || m.info.IsDir()) }

// status is that of a success.
func (m *relocation) status() int {
	if m.old != nil {
		return http.StatusNoContent
	}
	return http.StatusCreated
}

// relocate calls make, which gives m.to a file or directory. The old one is removed only after that; if make fails, it is
// there as before.
func (ch *change) relocate(m relocation, make func() error) error {
	if !m.replacesTree() {
		return make()
	}
	w := ch.writer()
	w.Existing = upload.Leave
	aside := upload.AsideName(m.to) // hidden from all clients
	if err := uploads.Rename(w, m.to, aside); err != nil && !isMade(err) {
		return err
	}
	if err := make(); err != nil && !isMade(err) {
		if info, statErr := ch.tree.Lstat(m.to); statErr == nil { // a part of a copy
			part := upload.AsideName(m.to)
			if renameErr := uploads.Rename(w, m.to, part); renameErr == nil || isMade(renameErr) {
				_ = ch.removeAside(part, info) // Sweep does not find a directory, but no client sees it
			}
		}
		_ = uploads.Rename(w, aside, m.to) // the error of make says more
		return err
	} else if err != nil {
		_ = ch.removeAside(aside, m.old) // as above
		return err
	}
	ch.err = ch.removeAside(aside, m.old) // for the log: the client has what it wanted
	return nil
}

// removeAside removes what has got a name of upload.AsideName.
func (ch *change) removeAside(name string, info fs.FileInfo) error {
	if info.IsDir() {
		return uploads.RemoveAll(ch.writer(), name, ch.tree.RemoveAll)
	}
	return uploads.Remove(ch.writer(), name, ch.tree.Remove)
}

// isMade reports whether a change was made, although the disk has failed to sync it.
func isMade(err error) bool { return errors.As(err, new(*durable.Error)) }

// explain returns the refusal if something has got the name of Destination meanwhile.
func (m *relocation) explain(err error) error {
	switch {
	case !errors.Is(err, fs.ErrExist) || errors.As(err, new(*refusal)):
		return err
	case !m.overwrite:
		return errCondition
	}
	return refuse(http.StatusConflict, "Something has got the name of Destination meanwhile.")
}

// move gives a file or directory another name, by one rename.
func (ch *change) move() (status int, fields plan.Header, err error) {
	depth, err := dav.ParseDepth(ch.r.Header.Get("Depth"), dav.DepthInfinity)
	if err != nil {
		return 0, nil, errDepth
	}
	m, err := ch.plannedRelocation(func(from, to string) error {
		if from == "/" {
			return errTop
		}
		return cmp.Or(ch.checkMove(from), ch.checkMove(to))
	})
	switch {
	case err != nil:
		return 0, nil, err
	case depth != dav.DepthInfinity && m.info.IsDir():
		return 0, nil, errDepth
	case !ch.mayChangeIf():
		return 0, nil, errCondition
	}
	err = ch.relocate(m, func() error {
		w := ch.writer()
		w.Existing = upload.Replace
		if !m.isCase && (m.old == nil || m.replacesTree()) {
			w.Existing = upload.Leave
		}
		return uploads.Rename(w, m.from, m.to)
	})
	ch.received = err == nil
	return m.status(), nil, m.explain(err)
}

// copy copies a file or a directory.
func (ch *change) copy() (status int, fields plan.Header, err error) {
	depth, err := dav.ParseDepth(ch.r.Header.Get("Depth"), dav.DepthInfinity)
	if err != nil {
		return 0, nil, errDepth
	}
	m, err := ch.plannedRelocation(func(from, to string) error {
		switch {
		case !ch.h.rightsAt(from).Has(Read):
			return ch.lacking(from, "read")
		case ch.h.rightsAt(to)&(Create|Change) == 0:
			return ch.lacking(to, "create")
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, nil, err
	case depth == dav.DepthOne && m.info.IsDir():
		return 0, nil, errDepth
	case m.info.IsDir() && depth == dav.DepthInfinity && !ch.h.mayList(m.from):
		return 0, nil, lacks("list")
	case m.old == nil && !ch.h.rightsAt(m.to).Has(Create):
		return 0, nil, lacks("create")
	case !ch.mayChangeIf():
		return 0, nil, errCondition
	}
	failures := failures{ch: ch}
	err = ch.relocate(m, func() error {
		if !m.info.IsDir() {
			return ch.copyFile(m.from, m.to, m.overwrite)
		}
		err := ch.copyDir(m.from, m.to)
		if err != nil && !isMade(err) {
			return err
		}
		if depth == dav.DepthInfinity {
			ch.copyEntries(m.from, m.to, &failures)
		}
		return cmp.Or(ch.r.Context().Err(), err)
	})
	ch.received, err = err == nil, m.explain(err)
	if err != nil || len(failures.all) == 0 {
		return m.status(), nil, err
	}
	ch.body = &failures
	return http.StatusMultiStatus, plan.Header{xmlType}, nil
}

// copyFile copies a file.
func (ch *change) copyFile(from, to string, replace bool) error {
	w := ch.writer()
	w.Existing = upload.Leave
	if replace {
		w.Existing = upload.Replace
	}
	target := upload.Target{Writer: w, Name: to, Perm: 0o644}
	return uploads.Copy(ch.r.Context(), target, ch.seen(), from, !ch.h.Precompressed) // for the time see Handler.Precompressed and PUT
}

// copyDir makes a directory with the properties of another one.
func (ch *change) copyDir(from, to string) error {
	made := uploads.Make(ch.writer(), to, func(name string) error { return ch.tree.Mkdir(name, 0o755) })
	dead := ch.deadProperties(from)
	if made != nil && !isMade(made) || len(dead) == 0 {
		return made
	}
	steps := make([]dav.Patch, len(dead))
	for i, p := range dead {
		steps[i].Property = p
	}
	if _, closeFile, err := ch.storeProperties(to, steps); err == nil { // else without them, as for files
		closeFile()
	}
	return made
}

// errQuery means that a directory might be removed that was not meant.
var errQuery = refuse(http.StatusBadRequest, "This would remove the directory with all that is in it, but the address has a query, which means something else. DELETE a directory by its address without a query.")

// removeTree answers DELETE: of a directory with all that is in it, as RFC 4918, 9.6.1 requires.
func (ch *change) removeTree() (status int, fields plan.Header, err error) {
	if ch.name == "/" || ch.isHidden() || !ch.h.rightsBelow(ch.name).Has(Delete) || !ch.h.mayList(ch.name) {
		return http.StatusNoContent, nil, ch.remove() // which removes no directory that has entries
	}
	info, err := ch.tree.Lstat(ch.name)
	if err != nil || !info.IsDir() {
		return http.StatusNoContent, nil, ch.remove()
	}
	depth, err := dav.ParseDepth(ch.r.Header.Get("Depth"), dav.DepthInfinity)
	switch {
	case ch.r.URL.RawQuery != "":
		return 0, nil, errQuery
	case err != nil || depth != dav.DepthInfinity:
		return 0, nil, errDepth
	case !ch.mayChangeIf():
		return 0, nil, errCondition
	}
	if err := vfs.CheckRemovable(ch.tree, ch.name); err != nil {
		return 0, nil, err // before anything is removed
	}
	failures := failures{ch: ch}
	err = ch.removeDir(ch.name, &failures)
	if len(failures.all) > 0 {
		ch.body = &failures
		return http.StatusMultiStatus, plan.Header{xmlType}, nil
	}
	ch.received = err == nil
	return http.StatusNoContent, nil, err
}
