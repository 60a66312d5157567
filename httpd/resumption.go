package httpd

import (
	"net/http"
	"time"

	"sluice/httpd/internal/plan"
	"sluice/internal/upload"
)

// A resumable upload is begun by a POST to a directory, or a PUT, and goes on by requests
// to an address of its own, DIR/?upload=ID: HEAD asks how many bytes have arrived, PATCH
// appends some, DELETE ends it. Two protocols do this in nearly the same way: tus 1.0
// (https://tus.io), and the draft of the IETF (draft-ietf-httpbis-resumable-upload-05).
// Package upload keeps the bytes and the state. This file, tus.go and tus_draft.go have the
// fields, and resume.go has the answers, which are the same for both protocols.

// uploadRequest is the fields of a request of a resumable upload.
type uploadRequest struct {
	protocol
	method string // PATCH for a POST with X-HTTP-Method-Override
	id     string // "": the request begins an upload

	name       string    // for a new upload: the last element of its path; "": that of the request
	metadata   string    // Upload-Metadata
	length     int64     // Upload-Length; upload.UnknownLength: absent
	offset     int64     // Upload-Offset; negative: absent
	isComplete bool      // the body is the last of the upload
	sums       checksums // of the body
}

// protocol is what tus and the draft do in different ways.
type protocol interface {
	// describe sets the fields of a response that describe an upload, if there is one.
	describe(header http.Header, u *upload.Resumable, expires time.Time, maxUpload int64)

	// announce sends the address of a new upload before its body is read.
	announce(w http.ResponseWriter, address string)

	// checkBody returns why the body must not be appended.
	checkBody(r *http.Request, isNew bool) error

	// status returns the status for a request that has completed an upload, or not.
	status(method string, isDone, existed bool) int

	// refusal changes that of a request.
	refusal(err error) error
}

// parseUploadRequest returns the fields of a request of a resumable upload, or nil if the request
// is none. After an error only the protocol is known, if the result is not nil.
func parseUploadRequest(r *http.Request) (*uploadRequest, error) {
	req := &uploadRequest{method: r.Method, length: upload.UnknownLength, offset: -1}
	if plan.IsUpload(r.URL.Path, r.URL.RawQuery) && r.Method != http.MethodPut {
		if req.id = plan.UploadID(r.URL.RawQuery); len(req.id) > maxUploadID {
			return nil, errNoUpload
		}
		if r.Method == http.MethodPost {
			if req.method = r.Header.Get("X-HTTP-Method-Override"); req.method != http.MethodPatch {
				return nil, refuse(http.StatusMethodNotAllowed, "This is the address of an upload: use HEAD, PATCH or DELETE.")
			}
		}
	}
	switch header := r.Header; {
	case req.id == "" && r.Method != http.MethodPost && r.Method != http.MethodPut:
		return nil, nil
	case header.Get("Tus-Resumable") != "" && r.Method != http.MethodPut:
		return req, parseTus(req, header)
	case req.id != "" || header.Get("Upload-Complete") != "" || header.Get(interopField) != "":
		return req, parseDraft(req, r)
	}
	return nil, nil
}

// maxUploadID bounds the length of the ID of an upload, which has 26 letters.
const maxUploadID = 64

// defaultKeepUploads is Handler.KeepUploads if that is zero. Package ftpd has the same for its own.
const defaultKeepUploads = 72 * time.Hour

func (h *Handler) keepUploads() time.Duration {
	if h.KeepUploads == 0 {
		return defaultKeepUploads
	}
	return max(h.KeepUploads, time.Hour) // as Sweep
}

var (
	errNoUpload    = refuse(http.StatusNotFound, "There is no such upload here: it never was, it was removed, or it ended long ago.")
	errLocked      = refuse(http.StatusLocked, "Another request goes on with this upload. Try again soon.")
	errLonger      = &refusal{status: http.StatusRequestEntityTooLarge, reason: "There are more bytes than Upload-Length has announced.", cause: upload.ErrUntrusted}
	errNotComplete = refuse(http.StatusBadRequest, "Upload-Complete is ?1, but Upload-Length has announced more bytes.")
	errOffset      = refuse(http.StatusConflict, "Upload-Offset is not where this upload goes on. The response has the right one.")
)
