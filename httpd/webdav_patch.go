package httpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"sluice/httpd/internal/dav"
	"sluice/httpd/internal/deadprop"
	"sluice/httpd/internal/plan"
	"sluice/internal/vfs"
)

// timeProperties are those by which clients set the time of a file.
var timeProperties = []dav.Name{
	davName("getlastmodified"), davName("lastmodified"), // KDE and Cyberduck; rclone
	{Space: windows, Local: "Win32LastModifiedTime"}, // Explorer
}

// windows is the namespace of the properties that Explorer sets for each file that it copies.
const windows = "urn:schemas-microsoft-com:"

// forgotten are properties of Windows that are accepted and not stored: Explorer takes a refusal for a failed copy, and no
// file system here has a place for them.
var forgotten = []dav.Name{
	{Space: windows, Local: "Win32CreationTime"},
	{Space: windows, Local: "Win32LastAccessTime"},
	{Space: windows, Local: "Win32FileAttributes"},
}

// patched is the body of a response to PROPPATCH.
type patched struct {
	href    string
	results []dav.Result
}

func (p *patched) release() {}

func (p *patched) write(_ context.Context, w io.Writer) error {
	m := dav.NewMultistatus(w)
	if err := m.Properties(p.href, p.results...); err != nil {
		return err
	}
	return m.Close()
}

// patch is what a PROPPATCH does.
type patch struct {
	dead    []dav.Patch
	modTime time.Time // zero: stays
	perm    func(old fs.FileMode) fs.FileMode
}

// proppatch sets and removes properties: all of them, or none.
func (ch *change) proppatch() (status int, fields plan.Header, err error) {
	body, err := ch.readXML()
	if err != nil {
		return 0, nil, err
	}
	steps, err := dav.ParsePatch(body)
	if err != nil {
		return 0, nil, errSyntax
	}
	if !ch.h.rightsAt(ch.name).Has(Change) {
		return 0, nil, ch.lacking(ch.name, "change")
	}
	info, err := ch.stat(ch.name)
	if err != nil {
		return 0, nil, err
	}
	p, refused := ch.planPatch(steps, info)
	failed := &dav.Result{Status: "403 Forbidden", Props: refused, Error: "<D:cannot-modify-protected-property/>"}
	if len(refused) == 0 {
		failed = nil
		err = uploads.Change(ch.writer(), ch.name, func(name string) error { return ch.apply(name, p, info) })
		var unstored *unstoredError
		switch {
		case errors.As(err, &unstored):
			failed = &dav.Result{Status: unstored.status, Reason: unstored.reason}
			for _, step := range p.dead {
				failed.Props = append(failed.Props, dav.Property{Name: step.Name})
			}
		case err != nil:
			return 0, nil, err
		}
	}
	ch.body = &patched{ch.href(ch.name, info.IsDir()), resultsOf(steps, failed)}
	return http.StatusMultiStatus, plan.Header{xmlType}, nil
}

// resultsOf returns the results of all steps: 200, or if some have failed, 424 for the others.
func resultsOf(steps []dav.Patch, failed *dav.Result) []dav.Result {
	others := dav.Result{Status: statusOK}
	if failed != nil {
		others.Status = "424 Failed Dependency"
	}
	for _, step := range steps {
		isNamed := func(p dav.Property) bool { return p.Name == step.Name }
		if failed != nil && slices.ContainsFunc(failed.Props, isNamed) || slices.ContainsFunc(others.Props, isNamed) {
			continue
		}
		others.Props = append(others.Props, dav.Property{Name: step.Name})
	}
	var all []dav.Result
	if failed != nil {
		all = append(all, *failed)
	}
	if len(others.Props) > 0 {
		all = append(all, others)
	}
	return all
}

// planPatch returns what the steps do, and the properties that cannot be set.
func (ch *change) planPatch(steps []dav.Patch, info fs.FileInfo) (p patch, refused []dav.Property) {
	for _, step := range steps {
		ok := true
		switch {
		case slices.Contains(forgotten, step.Name):
		case slices.Contains(timeProperties, step.Name):
			when, err := http.ParseTime(strings.TrimSpace(step.Text))
			if seconds, numErr := parseMtime(strings.TrimSpace(step.Text)); err != nil && numErr == nil { // as ownCloud takes it
				when, err = seconds, nil
			}
			// An old time would make an old compressed form look like one of this file.
			ok = err == nil && !step.Remove && !ch.h.Precompressed
			p.modTime = when
		case step.Name == executable:
			bits := fs.FileMode(0o111)
			text := strings.TrimSpace(step.Text)
			ok = info.Mode().IsRegular() && !step.Remove && (text == "T" || text == "F")
			p.perm = func(old fs.FileMode) fs.FileMode {
				if text == "F" {
					return old &^ bits
				}
				return old | old>>2&bits // for those who may read it
			}
		case !isDead(step.Name):
			ok = false
		default:
			p.dead = append(p.dead, step)
		}
		if !ok {
			refused = append(refused, dav.Property{Name: step.Name})
		}
	}
	return p, refused
}

// unstoredError means that dead properties could not be stored.
type unstoredError struct {
	status string // for the properties
	reason string // for people
	error
}

// apply makes a patch of the file name, or nothing of it.
func (ch *change) apply(name string, p patch, info fs.FileInfo) error {
	undo := func() {}
	if len(p.dead) > 0 {
		back, closeFile, err := ch.storeProperties(name, p.dead)
		if err != nil {
			return err
		}
		undo = back
		defer closeFile()
		defer vfs.CountChange() // the file has another entity tag
	}
	if p.perm != nil {
		old := info.Mode().Perm()
		if err := ch.tree.Chmod(name, p.perm(old)); err != nil {
			undo()
			return err
		}
		before := undo
		undo = func() { _ = ch.tree.Chmod(name, old); before() }
	}
	if !p.modTime.IsZero() {
		if err := ch.tree.Chtimes(name, time.Time{}, p.modTime); err != nil {
			undo()
			return err
		}
	}
	return nil
}

// storeProperties stores dead properties with a file, which stays open for undo until closeFile is called.
func (ch *change) storeProperties(name string, steps []dav.Patch) (undo, closeFile func(), err error) {
	noPlace := &unstoredError{"403 Forbidden", "This file system has no place for properties.", errors.ErrUnsupported}
	if _, _, ok := vfs.RootOf(ch.tree, name); !ok {
		return nil, nil, noPlace
	}
	f, err := ch.tree.Open(name)
	if err != nil {
		return nil, nil, err
	}
	file, ok := f.(*os.File)
	if !ok {
		_ = f.Close() // nothing was written to it
		return nil, nil, noPlace
	}
	undo, err = deadprop.Apply(file, steps)
	if err != nil {
		_ = file.Close() // nothing was written to it
	}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		err = noPlace
	case errors.Is(err, deadprop.ErrFull):
		err = &unstoredError{"507 Insufficient Storage", "The file has no room for these properties.", err}
	}
	return undo, func() { _ = file.Close() }, err
}
