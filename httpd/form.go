package httpd

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"time"

	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/live"
	"sluice/sendfile"
)

const (
	maxFormParts  = 1000     // files and fields of one form
	maxFormHeader = 64 << 10 // bytes between the contents of two files: a boundary and a header
	maxFormField  = 1 << 10  // bytes of a field that is no file
)

var (
	errNoForm = refuse(
		http.StatusUnsupportedMediaType,
		"POST takes forms of files (multipart/form-data), and begins uploads by tus or by Upload-Complete. Send one file by PUT.",
	)
	errFormSyntax = refuse(http.StatusBadRequest, "The form is malformed, or ended early. Files above that are named as saved are complete; the others were not saved.")
	errFormHeader = errors.New("the header of a part of the form is too long")
	errFormParts  = refuse(http.StatusRequestEntityTooLarge, "The form has too many files for one request. Send the rest in another one.")
	errKept       = refuse(http.StatusPreconditionFailed, "There is a file of this name. It was kept.")
	errFormEmpty  = refuse(http.StatusBadRequest, "The form has no file.")
	errFormDigest = refuse(http.StatusBadRequest, "A checksum of the whole form is not supported: send Content-Digest in the header of each file.")
)

// form answers a POST of files to a directory. Each file is stored as by PUT, for itself: if
// one fails, the others are stored all the same.
func (ch *change) form() error {
	mediaType, params, err := mime.ParseMediaType(ch.r.Header.Get("Content-Type"))
	header := ch.r.Header
	switch {
	case ch.h.rightsAt(path.Join(ch.name, "file"))&(Create|Change) == 0:
		return ch.needsUpload()
	case !ch.isToDirectory():
		return errNoDirectory
	case err != nil || mediaType != "multipart/form-data" || params["boundary"] == "":
		return errNoForm
	case len(header.Values("Content-Digest"))+len(header.Values("Repr-Digest")) > 0:
		return errFormDigest
	case ch.isHidden():
		return errHidden
	}
	dir, err := ch.planner.Tree.Stat(ch.name)
	if err != nil {
		return err
	}
	if !dir.IsDir() {
		return errNoDirectory
	}
	if ch.r.Body == nil {
		return errFormSyntax
	}
	return ch.parts(params["boundary"])
}

// parts reads the form part by part. It returns an error only if no file was tried; what
// came of each file is in ch.files.
func (ch *change) parts(boundary string) error {
	body := &formBody{ch: ch}
	reader := multipart.NewReader(body, boundary)
	ch.files = []plan.FileResult{}
	for n := 0; ; n++ {
		body.budget = maxFormHeader
		part, err := reader.NextRawPart()
		body.budget = -1
		switch {
		case err == io.EOF && len(ch.files) == 0:
			err = errFormEmpty
		case err == io.EOF:
			ch.setDeadline(0)
			return nil
		case err != nil:
			err = ch.formFailed(err)
		case n == maxFormParts:
			err = errFormParts
		default:
			err = ch.part(part, body)
		}
		if err != nil {
			return ch.breakForm(err)
		}
	}
}

// breakForm ends a form that cannot be read to its end.
func (ch *change) breakForm(err error) error {
	if ch.r.ProtoMajor == 1 {
		ch.w.Header().Set("Connection", "close") // the rest may be on its way
	}
	if len(ch.files) == 0 {
		ch.files = nil
		return err
	}
	why := ch.explain(err)
	ch.files = append(ch.files, plan.FileResult{Status: why.status, Reason: why.reason})
	return nil
}

// formFailed returns the error of a body that cannot be read.
func (ch *change) formFailed(err error) error {
	ch.err = &sendfile.Error{Op: "receive", Side: sendfile.Peer, Method: sendfile.Copy, Err: err}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return ch.err
	}
	return errFormSyntax
}

// part stores a file of the form, or reads a field. An error ends the form.
func (ch *change) part(part *multipart.Part, body *formBody) error {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name, isFile := params["filename"]
	switch {
	case err != nil:
		return errFormSyntax
	case !isFile:
		return ch.field(params["name"], part)
	case name == "": // a browser sends this if no file was chosen
		return ch.skip(part)
	}
	file, begin := ch.forFile(), time.Now()
	status, err := file.storePart(name, part)
	reason := ""
	if err != nil {
		why := file.explain(err)
		if errors.Is(err, errCondition) && file.request.IfNoneMatch == "*" {
			why = errKept
		}
		if file.received || why.status >= 500 {
			file.err = err
		}
		status, reason = why.status, why.reason
	}
	file.reportPart(begin, status)
	ch.files = append(ch.files, plan.FileResult{Name: name, Status: status, Reason: reason})
	switch {
	case body.err != nil:
		return ch.formFailed(body.err)
	case err != nil:
		return ch.skip(part)
	}
	return nil
}

// forFile returns the change that one file of the form is.
func (ch *change) forFile() *change {
	file, request := *ch, *ch.request
	file.request = &request
	file.stores, file.size = true, -1
	file.outcome, file.files = outcome{}, nil
	return &file
}

// storePart stores one file.
func (ch *change) storePart(name string, part *multipart.Part) (status int, err error) {
	if err := ch.nameFile(name); err != nil {
		return 0, err
	}
	target, err := ch.target(part.Header.Get("X-OC-Mtime"))
	if err != nil {
		return 0, err
	}
	target.Keep = false // the client cannot know how much of which file has arrived
	sums, err := parseDigests(append(part.Header["Content-Digest"], part.Header["Repr-Digest"]...)...)
	if err != nil {
		return 0, refuse(http.StatusBadRequest, err.Error())
	}
	status, _, err = ch.store(target, incoming{Reader: part, size: -1, limit: ch.limitAt(0), sums: sums})
	return status, err
}

// reportPart reports a file as a transfer of its own.
func (ch *change) reportPart(begin time.Time, status int) {
	var session *live.Session
	if ch.conn != nil {
		session = ch.conn.Conn().Session()
	}
	rec := netconn.EndTransfer(session, ch.transfer, begin, ch.result, ch.err)
	rec.Upload, rec.Path, rec.User = true, ch.name, ch.user
	ch.h.report(&rec, ch.server, ch.conn, session, ch.r, begin, status)
}

// field reads a field that is no file. Unknown ones mean nothing.
func (ch *change) field(name string, part *multipart.Part) error {
	value, err := io.ReadAll(io.LimitReader(part, maxFormField+1))
	switch {
	case err != nil:
		return ch.formFailed(err)
	case len(value) > maxFormField:
		return ch.skip(part)
	case name == "existing" && string(value) == "keep":
		ch.request.IfNoneMatch = "*"
	case name == "existing" && string(value) != "replace":
		return refuse(http.StatusBadRequest, `The field "existing" must be "keep" or "replace".`)
	}
	return nil
}

// skip reads the rest of a part, because what follows can be read only then.
func (ch *change) skip(part io.Reader) error {
	skipped := *ch
	skipped.outcome = outcome{}
	limits := ch.h.uploadLimits.Begin(ch.ctx(), -1, nil)
	defer func() { limits.Close(skipped.result.Sent) }()
	if err := skipped.copyBody(nowhere{}, 0, incoming{Reader: part, size: -1}, limits); err != nil {
		return ch.formFailed(err)
	}
	return nil
}

// nowhere takes bytes that are not wanted.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// formBody is the body of a form. It bounds what is read between the contents of files.
type formBody struct {
	ch     *change
	budget int   // bytes that may be read before the next content; negative: it is being read
	err    error // of the body, other than its end
}

func (b *formBody) Read(p []byte) (int, error) {
	if b.budget == 0 {
		b.err = errFormHeader
		return 0, b.err
	}
	if b.budget > 0 {
		p = p[:min(len(p), b.budget)]
	}
	b.ch.setDeadline(b.ch.stall())
	n, err := b.ch.r.Body.Read(p)
	if b.budget > 0 {
		b.budget -= n
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
