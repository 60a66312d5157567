package httpd

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/upload"
	"sluice/sendfile"
)

// put answers PUT. Everything that can be known before the body is read is checked
// before, so that a client that expects 100 Continue keeps a body that would be refused.
func (ch *change) put() (status int, fields plan.Header, err error) {
	target, err := ch.target(ch.r.Header.Get("X-OC-Mtime"))
	if err != nil {
		return 0, nil, err
	}
	sums, err := parseDigests(append(ch.r.Header.Values("Content-Digest"), ch.r.Header.Values("Repr-Digest")...)...)
	if err != nil {
		return 0, nil, refuse(http.StatusBadRequest, err.Error())
	}
	return ch.store(target, incoming{Reader: ch.r.Body, size: ch.r.ContentLength, limit: ch.limitAt(0), sums: sums, isBody: true})
}

// store receives a file that was planned.
func (ch *change) store(target upload.Target, in incoming) (status int, fields plan.Header, err error) {
	size := int64(0)
	named := ch.whenNamed(&target, &size)
	u, err := uploads.Create(target)
	if err != nil {
		return 0, nil, err
	}
	ch.received = true
	err = netconn.ErrPanic // remains if a hook panics
	isOver := false
	defer func() {
		if !isOver {
			ch.kept = u.Abort(size, err)
		}
	}()
	size, err = ch.receive(u.Writer(), 0, in)
	if err != nil {
		return 0, nil, err
	}
	isOver = true
	ch.kept, err = u.Commit(size, nil)
	ch.name = u.Name() // another one in a drop box, if that was taken
	if err != nil {
		return 0, nil, ch.fileError(err, size)
	}
	fields = named.fields
	if u.HasModTime() {
		fields = append(fields, acceptsModTime)
	}
	if named.existed {
		return http.StatusNoContent, fields, nil
	}
	return http.StatusCreated, fields, nil
}

// namedFile is what is known when a file has got its name, unless that is one in a drop box.
type namedFile struct {
	existed bool // another file had the name
	fields  plan.Header
}

// whenNamed has the target checked once more when it gets its name, with the size of then,
// and returns what is known afterwards.
func (ch *change) whenNamed(target *upload.Target, size *int64) *namedFile {
	n := new(namedFile)
	target.Check = func() (err error) {
		n.existed, err = ch.check()
		return err
	}
	target.Named = func() { n.fields = ch.planner.Saved(ch.r.Context(), ch.request, ch.name, *size) }
	return n
}

var acceptsModTime = plan.Field{Name: "X-Oc-Mtime", Value: "accepted"}

// fileError makes err, with which an upload was not committed, one of the file, because all
// bytes have come.
func (ch *change) fileError(err error, size int64) error {
	switch {
	case errors.As(err, new(*refusal)):
		return err
	case ch.wantsNew() && errors.Is(err, fs.ErrExist): // another server has made a file since
		return errCondition
	}
	return &sendfile.Error{Op: "receive", Side: sendfile.File, Method: ch.result.Method, Offset: size, Err: err}
}

// target checks all of an upload but its body, and returns where the body goes. mtime is
// the field X-OC-Mtime.
func (ch *change) target(mtime string) (target upload.Target, err error) {
	h, header := ch.h, ch.r.Header
	target = upload.Target{
		Writer: ch.writer(), Name: ch.name, Perm: 0o644, Keep: ch.user != "",
	}
	if ch.wantsNew() && target.Existing == upload.Replace {
		target.Existing = upload.Leave // a file system of several servers can make sure of that
	}
	switch coding := strings.Join(header.Values("Content-Encoding"), ","); {
	case h.rightsAt(ch.name)&(Create|Change) == 0:
		return target, ch.needsUpload()
	case len(header.Values("Content-Range")) > 0:
		return target, refuse(http.StatusBadRequest, "PUT with Content-Range is not supported (RFC 9110, 14.5): send the whole file.")
	case coding != "" && !strings.EqualFold(strings.TrimSpace(coding), "identity"):
		return target, refuse(http.StatusUnsupportedMediaType, "Content-Encoding is not supported: send the bytes of the file as they are.")
	}
	if mtime != "" {
		when, err := parseMtime(mtime)
		if err != nil {
			return target, refuse(http.StatusBadRequest, err.Error())
		}
		if !h.Precompressed { // an old time would make an old compressed form look like one of the new file
			target.ModTime = when
		}
	}
	switch {
	case ch.isHidden():
		return target, errHidden
	case ch.r.Method == http.MethodPut && ch.isToDirectory():
		return target, refuse(http.StatusConflict, "A name that ends with a slash is that of a directory.")
	case h.MaxUpload > 0 && ch.size > h.MaxUpload:
		return target, errTooLarge
	}
	if _, err := ch.check(); err != nil {
		return target, err
	}
	ch.announce(&target)
	return target, ch.checkSpace(ch.size)
}

// checkDrop is check for a PUT into a drop box. A file can only go into a directory that
// the client knows: any other does not exist, whether there is one or not.
func (ch *change) checkDrop() error {
	dir, err := ch.h.view.Stat(path.Dir(ch.name))
	switch {
	case err != nil:
		return err
	case !dir.IsDir():
		return syscall.ENOTDIR
	case !ch.planner.MayChange(ch.r.Context(), ch.request, ch.name, false):
		return errCondition
	}
	return nil
}

// check returns why a PUT may not be made in the present state of its target, and whether
// that exists. It is called twice: before the body, and when the name is given.
func (ch *change) check() (exists bool, err error) {
	if ch.isDrop() {
		return false, ch.checkDrop()
	}
	info, err := ch.tree.Lstat(ch.name)
	exists = err == nil
	switch {
	case exists && info.IsDir():
		return true, errIsDirectory
	case !exists && !errors.Is(err, fs.ErrNotExist):
		return false, err
	case !exists && !ch.h.rightsAt(ch.name).Has(Create):
		return false, errNeedsCreate
	case exists && !ch.h.rightsAt(ch.name).Has(Change) && !ch.wantsNew():
		return true, errNeedsChange
	case !exists:
		dir, err := ch.tree.Stat(path.Dir(ch.name))
		if err != nil {
			return false, err
		}
		if !dir.IsDir() {
			return false, syscall.ENOTDIR
		}
	}
	if !ch.planner.MayChange(ch.r.Context(), ch.request, ch.name, exists) {
		return exists, errCondition
	}
	return exists, nil
}

// wantsNew reports whether the request has the condition that there is no file.
func (ch *change) wantsNew() bool { return strings.TrimSpace(ch.request.IfNoneMatch) == "*" }

// checkSpace returns an error if the disk is known to have no room for size bytes.
func (ch *change) checkSpace(size int64) error {
	if size <= 0 {
		return nil
	}
	free, err := ch.tree.Free(path.Dir(ch.name))
	if err == nil && free < size {
		return syscall.ENOSPC
	}
	return nil
}

// isToDirectory reports whether the request is to the address of a directory.
func (ch *change) isToDirectory() bool { return strings.HasSuffix(ch.request.Path, "/") }

var errNoDirectory = refuse(http.StatusMethodNotAllowed, "POST needs the address of a directory, with a slash at the end.")

// nameFile makes ch.name, a directory, that of a file in it, as the client has called it.
func (ch *change) nameFile(name string) error {
	base, err := baseName(name)
	if err != nil {
		return err
	}
	if !ch.isToDirectory() {
		return errNoDirectory
	}
	ch.name = path.Join(ch.name, base)
	return nil
}

var errNameBytes = refuse(http.StatusBadRequest, "The name of the file must be UTF-8, without control characters.")

// baseName checks a name that a client has sent for a file in a directory.
func baseName(name string) (string, error) {
	switch {
	case name == "":
		return "", refuse(http.StatusBadRequest, "The name of the file is missing: send it as filename.")
	case name == ".", name == "..", strings.ContainsAny(name, `/\`):
		return "", refuse(http.StatusBadRequest, "The name of the file must have no directory in it.")
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return "", errNameBytes
	}
	return name, nil
}
