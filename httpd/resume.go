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
func (ch *change) resume(req *uploadRequest) (status int, fields plan.Header, err error) {
	header := ch.w.Header()
	req.describe(header, nil, time.Time{}, ch.h.MaxUpload)
	defer func() { err = req.refusal(err) }()
	stop := ch.newStopper()
	defer stop.end()
	if req.id == "" {
		return ch.begin(req, stop)
	}
	u, err := ch.open(req.id, stop)
	if err != nil {
		return 0, nil, err
	}
	defer u.Close()
	header.Set("Cache-Control", "no-store")
	defer func() { req.describe(header, u, ch.expiry(u), ch.h.MaxUpload) }()
	switch req.method {
	case http.MethodHead:
		return ch.answerOffset(req, u)
	case http.MethodPatch:
		return ch.addBody(req, u)
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
func (ch *change) begin(req *uploadRequest, stop *stopper) (status int, fields plan.Header, err error) {
	ch.stores = true
	if ch.r.Method == http.MethodPost {
		if err := ch.nameFile(req.name); err != nil {
			return 0, nil, err
		}
	}
	if !utf8.ValidString(ch.name) { // the state could not keep it
		return 0, nil, errNameBytes
	}
	ch.size = req.length
	notes := ch.notes(req)
	target, err := ch.target(notes["mtime"])
	if err != nil {
		return 0, nil, err
	}
	if _, err := parseDigests(notes["digest"]); err != nil {
		return 0, nil, refuse(http.StatusBadRequest, err.Error())
	}
	u, err := uploads.CreateResumable(target, upload.ResumableState{
		Owner: ch.user, Name: path.Base(ch.name), Length: req.length, Notes: notes,
	}, stop.interrupt)
	if err != nil {
		return 0, nil, err
	}
	defer u.Close()
	address := plan.UploadAddress(u.ID)
	header := ch.w.Header()
	hasBody := ch.r.ContentLength != 0
	if hasBody {
		req.announce(ch.w, address)
	}
	header.Set("Location", address)
	req.offset = 0
	status, fields, err = ch.addBody(req, u)
	if err != nil && !ch.received { // the client has no upload then
		header.Del("Location")
		_ = u.Discard() // an error leaves it to Sweep
		return 0, nil, err
	}
	req.describe(header, u, ch.expiry(u), ch.h.MaxUpload)
	return status, fields, err
}

// notes returns the fields of a request that begins an upload which hold until it is done.
func (ch *change) notes(req *uploadRequest) map[string]string {
	notes := map[string]string{
		"metadata": req.metadata,
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
	u, err := uploads.OpenResumable(ctx, ch.writer(), dir, id, stop.interrupt)
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

// answerOffset answers HEAD. An upload that has all its bytes was ended by a crash before it
// could be completed, or was refused then, so it is completed now: a client takes an offset
// at the end for a success.
func (ch *change) answerOffset(req *uploadRequest, u *upload.Resumable) (status int, fields plan.Header, err error) {
	if !u.Done && u.Offset == u.Length {
		ch.stores, ch.size = true, 0
		target, err := ch.target(u.Notes["mtime"])
		if err != nil {
			return 0, nil, err
		}
		if _, _, err := ch.finish(u, target, u.Offset); err != nil {
			return 0, nil, err
		}
	}
	return req.status(http.MethodHead, u.Done, false), nil, nil
}

// addBody adds the body to the upload, and completes it if that was the rest.
func (ch *change) addBody(req *uploadRequest, u *upload.Resumable) (status int, fields plan.Header, err error) {
	ch.stores, ch.size = true, ch.r.ContentLength
	if err := ch.checkAddition(req, u); err != nil {
		return 0, nil, err
	}
	if u.Done { // and nothing is to be added
		return req.status(req.method, true, true), nil, nil
	}
	if req.length >= 0 {
		u.Length = req.length
	}
	limit, err := ch.checkLength(req, u)
	if err != nil {
		return 0, nil, err
	}
	target, err := ch.target(u.Notes["mtime"])
	if err != nil {
		return 0, nil, err
	}
	size := u.Offset
	if ch.size != 0 {
		if size, err = ch.receiveInto(u, req.sums, limit); err != nil {
			return 0, nil, err
		}
	}
	switch {
	case req.isComplete && u.Length >= 0 && size != u.Length:
		return 0, nil, errors.Join(errNotComplete, u.Pause(size))
	case req.isComplete, size == u.Length:
		existed, fields, err := ch.finish(u, target, size)
		return req.status(req.method, true, existed), fields, err
	}
	return req.status(req.method, false, false), nil, u.Pause(size)
}

// checkAddition returns why the body cannot be added to the upload in its present state.
func (ch *change) checkAddition(req *uploadRequest, u *upload.Resumable) error {
	isNew := req.id == ""
	if ch.size != 0 || !isNew {
		if err := req.checkBody(ch.r, isNew); err != nil {
			return err
		}
	}
	switch {
	case req.offset < 0:
		return refuse(http.StatusBadRequest, "PATCH needs Upload-Offset, with the offset of its first byte.")
	case req.offset != u.Offset:
		return errOffset
	case u.Done && ch.size != 0:
		return refuse(http.StatusBadRequest, "This upload is done. Nothing can be added to it.")
	case u.Done: // the client asks again, because it has not seen the response
		return nil
	case u.Length >= 0 && req.length >= 0 && u.Length != req.length, req.length >= 0 && req.length < u.Offset:
		return refuse(http.StatusBadRequest, "Upload-Length is another than before, or less than what has arrived.")
	}
	return nil
}

// checkLength returns how many bytes may be added to the upload, or why those that were
// announced may not.
func (ch *change) checkLength(req *uploadRequest, u *upload.Resumable) (limit *sizeLimit, err error) {
	if ch.h.MaxUpload > 0 && u.Length > ch.h.MaxUpload {
		return nil, errTooLarge
	}
	limit = ch.limitAt(u.Offset)
	if u.Length >= 0 {
		limit = &sizeLimit{u.Length - u.Offset, errLonger}
	}
	switch {
	case limit != nil && ch.size > limit.bytes:
		return nil, limit.err
	case req.isComplete && ch.size >= 0 && u.Length >= 0 && u.Offset+ch.size != u.Length:
		return nil, errNotComplete
	}
	return limit, nil
}

// receiveInto receives the body, and returns the new size of the upload. After an error,
// what has arrived stays, unless it has a checksum.
func (ch *change) receiveInto(u *upload.Resumable, sums checksums, limit *sizeLimit) (size int64, err error) {
	if err := u.Begin(len(sums) > 0); err != nil {
		return 0, err
	}
	ch.received = true
	start, size := u.Offset, u.Offset
	isOver := false // also if a hook panics
	defer func() {
		if isOver {
			return
		}
		if len(sums) > 0 {
			size = start
		}
		if pauseErr := u.Pause(size); pauseErr == nil {
			ch.kept = size
		}
	}()
	var n int64
	n, err = ch.receive(u.Writer(), start, incoming{
		Reader: ch.r.Body, size: ch.r.ContentLength, limit: limit, sums: sums, isBody: true,
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
	named := ch.whenNamed(&target, &size)
	ch.w.Header().Del("Upload-Expires")
	withTime, err := u.Finish(target, size)
	if err != nil {
		ch.kept = size
		return named.existed, nil, ch.fileError(err, size)
	}
	fields = named.fields
	ch.name = path.Join(path.Dir(ch.name), u.Name) // another one in a drop box, if that was taken
	if withTime {
		fields = append(fields, acceptsModTime)
	}
	return named.existed, fields, nil
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
