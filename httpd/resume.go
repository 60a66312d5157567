package httpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"time"
	"unicode/utf8"

	"sluice/httpd/internal/plan"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// resume answers a request of a resumable upload.
func (ch *change) resume(p *resumption) (status int, fields plan.Header, err error) {
	header := ch.w.Header()
	p.describe(header, nil, time.Time{}, ch.h.MaxUpload)
	defer func() { err = p.refusal(err) }()
	stop := ch.stopper()
	defer stop.end()
	if p.id == "" {
		return ch.begin(p, stop)
	}
	u, err := ch.open(p.id, stop)
	if err != nil {
		return 0, nil, err
	}
	defer u.Close()
	header.Set("Cache-Control", "no-store")
	defer func() { p.describe(header, u, ch.expiry(u), ch.h.MaxUpload) }()
	switch p.method {
	case http.MethodHead:
		return ch.sayOffset(p, u)
	case http.MethodPatch:
		return ch.append(p, u)
	case http.MethodDelete:
		return http.StatusNoContent, nil, u.Discard()
	}
	return 0, nil, refuse(http.StatusMethodNotAllowed, "This is the address of an upload: use HEAD, PATCH or DELETE.")
}

// expiry returns when the upload may be removed.
func (ch *change) expiry(u *upload.Resumable) time.Time {
	if u.Done {
		return time.Time{}
	}
	return time.Now().Add(ch.h.keepUploads())
}

// begin begins an upload, and receives the body of the request, if there is one.
func (ch *change) begin(p *resumption, stop *stopper) (status int, fields plan.Header, err error) {
	ch.stores = true
	if ch.r.Method == http.MethodPost {
		if err := ch.enter(p.name); err != nil {
			return 0, nil, err
		}
	}
	if !utf8.ValidString(ch.name) { // the state could not keep it
		return 0, nil, errNameBytes
	}
	ch.size = p.length
	notes := ch.notes(p)
	target, err := ch.plan(notes["mtime"])
	if err != nil {
		return 0, nil, err
	}
	if _, err := parseDigests(notes["digest"]); err != nil {
		return 0, nil, refuse(http.StatusBadRequest, err.Error())
	}
	u, err := uploads.CreateResumable(target, upload.ResumableState{
		Owner: ch.user, Name: path.Base(ch.name), Length: p.length, Notes: notes,
	}, stop.stop)
	if err != nil {
		return 0, nil, err
	}
	defer u.Close()
	address := plan.UploadAddress(u.ID)
	header := ch.w.Header()
	hasBody := ch.r.ContentLength != 0
	if hasBody {
		p.announce(ch.w, address)
	}
	header.Set("Location", address)
	p.offset = 0
	status, fields, err = ch.append(p, u)
	if err != nil && !ch.received { // the client has no upload then
		header.Del("Location")
		_ = u.Discard() // an error leaves it to Sweep
		return 0, nil, err
	}
	p.describe(header, u, ch.expiry(u), ch.h.MaxUpload)
	return status, fields, err
}

// enter makes ch.name a file in the directory of the request.
func (ch *change) enter(name string) error {
	switch base, err := baseName(name); {
	case err != nil:
		return err
	case ch.request.Path[len(ch.request.Path)-1] != '/':
		return errNoDirectory
	default:
		ch.name = path.Join(ch.name, base)
		return nil
	}
}

var errNoDirectory = refuse(http.StatusMethodNotAllowed, "POST needs the address of a directory, with a slash at the end.")

// notes returns the fields of a request that begins an upload which hold until it is done.
func (ch *change) notes(p *resumption) map[string]string {
	notes := map[string]string{
		"metadata": p.metadata,
		"match":    ch.request.IfMatch, "none": ch.request.IfNoneMatch, "since": ch.request.IfUnmodifiedSince,
		"mtime": ch.r.Header.Get("X-OC-Mtime"), "digest": joinedField(ch.r.Header, "Repr-Digest"),
	}
	for key, value := range notes {
		if value == "" {
			delete(notes, key)
		}
	}
	return notes
}

// open gives the upload with that ID to the request.
func (ch *change) open(id string, stop *stopper) (*upload.Resumable, error) {
	ctx, cancel := context.WithTimeout(ch.r.Context(), stopWait)
	defer cancel()
	dir := ch.name
	u, err := uploads.OpenResumable(ctx, ch.writer(), dir, id, stop.stop)
	switch {
	case errors.Is(err, fs.ErrNotExist), vfs.IsInvalidPath(err):
		return nil, errNoUpload
	case errors.Is(err, upload.ErrBusy):
		return nil, errLocked
	case err != nil:
		return nil, err
	}
	ch.name = path.Join(dir, u.Name)
	r := ch.request
	r.IfMatch, r.IfNoneMatch, r.IfUnmodifiedSince = u.Notes["match"], u.Notes["none"], u.Notes["since"]
	if ch.h.rightsAt(ch.name)&(Create|Change) == 0 {
		u.Close()
		return nil, errNoUpload // as for everybody who may not upload here
	}
	return u, nil
}

// sayOffset answers HEAD. An upload that has all its bytes was ended by a crash before it
// could be completed, or was refused then, so it is completed now: a client takes an offset
// at the end for a success.
func (ch *change) sayOffset(p *resumption, u *upload.Resumable) (status int, fields plan.Header, err error) {
	if !u.Done && u.Offset == u.Length {
		ch.stores, ch.size = true, 0
		target, err := ch.plan(u.Notes["mtime"])
		if err != nil {
			return 0, nil, err
		}
		if _, _, err := ch.finish(u, target, u.Offset); err != nil {
			return 0, nil, err
		}
	}
	return p.status(http.MethodHead, u.Done, false), nil, nil
}

// append adds the body to the upload, and completes it if that was the rest.
func (ch *change) append(p *resumption, u *upload.Resumable) (status int, fields plan.Header, err error) {
	ch.stores = true
	isNew := p.id == ""
	length := ch.r.ContentLength
	if length != 0 || !isNew {
		if err := p.checkBody(ch.r, isNew); err != nil {
			return 0, nil, err
		}
	}
	switch {
	case p.offset < 0:
		return 0, nil, refuse(http.StatusBadRequest, "PATCH needs Upload-Offset, with the offset of its first byte.")
	case p.offset != u.Offset:
		return 0, nil, errOffset
	case u.Done && length == 0:
		return p.status(p.method, true, true), nil, nil
	case u.Done:
		return 0, nil, refuse(http.StatusBadRequest, "This upload is done. Nothing can be added to it.")
	case u.Length >= 0 && p.length >= 0 && u.Length != p.length, p.length >= 0 && p.length < u.Offset:
		return 0, nil, refuse(http.StatusBadRequest, "Upload-Length is another than before, or less than what has arrived.")
	}
	if p.length >= 0 {
		u.Length = p.length
	}
	if ch.h.MaxUpload > 0 && u.Length > ch.h.MaxUpload {
		return 0, nil, errTooLarge
	}
	most := ch.most(u.Offset)
	if rest := u.Length - u.Offset; u.Length >= 0 {
		most = &limit{rest, errLonger}
	}
	if most != nil && length > most.bytes {
		return 0, nil, most.err
	}
	if p.isComplete && length >= 0 && u.Length >= 0 && u.Offset+length != u.Length {
		return 0, nil, refuse(http.StatusBadRequest, "Upload-Complete is ?1, but Upload-Length has announced more bytes.")
	}
	ch.size = length
	target, err := ch.plan(u.Notes["mtime"])
	if err != nil {
		return 0, nil, err
	}
	size := u.Offset
	if length != 0 {
		if size, err = ch.appendBody(p, u, most); err != nil {
			return 0, nil, err
		}
	}
	switch {
	case p.isComplete && u.Length >= 0 && size != u.Length:
		err = refuse(http.StatusBadRequest, "Upload-Complete is ?1, but Upload-Length has announced more bytes.")
		return 0, nil, errors.Join(err, u.Pause(size))
	case p.isComplete, size == u.Length:
		existed, fields, err := ch.finish(u, target, size)
		return p.status(p.method, true, existed), fields, err
	}
	return p.status(p.method, false, false), nil, u.Pause(size)
}

// appendBody receives the body. After an error, what has arrived stays, unless it has a
// checksum.
func (ch *change) appendBody(p *resumption, u *upload.Resumable, most *limit) (size int64, err error) {
	if err := u.Begin(len(p.sums) > 0); err != nil {
		return 0, err
	}
	ch.received = true
	start, size := u.Offset, u.Offset
	isOver := false // also if a hook panics
	defer func() {
		if isOver {
			return
		}
		if len(p.sums) > 0 {
			size = start
		}
		if pauseErr := u.Pause(size); pauseErr == nil {
			ch.kept = size
		}
	}()
	var n int64
	n, err = ch.receive(u.Writer(), start, incoming{
		Reader: ch.r.Body, size: ch.r.ContentLength, most: most, sums: p.sums, isBody: true,
	})
	size = start + n
	isOver = err == nil
	return size, err
}

// finish completes an upload of which all bytes have arrived.
func (ch *change) finish(u *upload.Resumable, target upload.Target, size int64) (existed bool, fields plan.Header, err error) {
	if err := ch.verify(u, size); err != nil {
		return false, nil, err
	}
	target.Check = func() (err error) {
		existed, err = ch.check()
		return err
	}
	target.Named = func() { fields = ch.planner.Saved(ch.r.Context(), ch.name, size) }
	ch.w.Header().Del("Upload-Expires")
	withTime, err := u.Finish(target, size)
	if err != nil {
		ch.kept = size
		return existed, nil, ch.fileFailed(err, size)
	}
	ch.name = path.Join(path.Dir(ch.name), u.Name) // another one in a drop box, if that was taken
	if withTime {
		fields = append(fields, hasModTime)
	}
	return existed, fields, nil
}

// verify compares the bytes with the Repr-Digest of the request that has begun the upload.
// If they differ, the upload is discarded.
func (ch *change) verify(u *upload.Resumable, size int64) error {
	sums, err := parseDigests(u.Notes["digest"])
	if err != nil || len(sums) == 0 {
		return err
	}
	f, err := u.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(sums, io.LimitReader(f, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return &sendfile.Error{Op: "receive", Side: sendfile.File, Method: sendfile.Copy, Offset: n, Err: err}
	}
	if !sums.match() {
		return errors.Join(errDigest, u.Discard())
	}
	return nil
}
