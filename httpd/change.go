package httpd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"sluice/httpd/internal/dav"
	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/account"
	"sluice/internal/durable"
	"sluice/internal/live"
	"sluice/internal/partial"
	"sluice/internal/upload"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// uploads is shared by all servers of this process.
var uploads = &upload.Shared

// changes returns the methods that change files here, by the rights.
func (h *Handler) changes() (methods []string) {
	if h.Write&(Create|Change) != 0 {
		methods = append(methods, http.MethodPut, http.MethodPost, http.MethodPatch)
	}
	if h.Write.Has(Delete) {
		methods = append(methods, http.MethodDelete)
	}
	return append(methods, h.davMethods()...)
}

// mayChange reports whether serveChange answers a request rather than the plan.
func (h *Handler) mayChange(r *http.Request) bool {
	if h.answersDAV(r.Method) {
		return true
	}
	if h.Write&(Create|Change|Delete) == 0 {
		return false
	}
	switch r.Method {
	case http.MethodPut, http.MethodPost, http.MethodPatch:
		return h.mayAt(r, Create|Change)
	case http.MethodDelete:
		if plan.IsUpload(r.URL.Path, r.URL.RawQuery) {
			return h.mayAt(r, Create|Change)
		}
		return h.mayAt(r, Delete)
	case http.MethodHead:
		return plan.IsUpload(r.URL.Path, r.URL.RawQuery)
	}
	return false
}

// mayStore reports whether a client may make and replace files in a directory.
func (h *Handler) mayStore(dir string) (create, replace bool) {
	rights := h.rightsAt(path.Join(dir, "file"))
	return rights.Has(Create), rights.Has(Change)
}

// mayAt reports whether serveChange answers a request that needs one of some rights. A
// guest who has none of them at this path, but others elsewhere, is asked for a password.
func (h *Handler) mayAt(r *http.Request, some Rights) bool {
	return h.Paths == nil || h.rightsAt(path.Clean("/"+r.URL.Path))&some != 0 || !h.prepared().Planner.AsksLoginToChange(r.Method)
}

// rightsAt returns the rights to what is called name, an absolute and clean path.
func (h *Handler) rightsAt(name string) Rights {
	h.once.Do(h.prepare)
	if h.view == nil {
		return account.ReadOnly | h.Write
	}
	return h.view.RightsAt(name) & (account.ReadOnly | h.Write)
}

// rightsBelow returns the rights to name with all that may be in it, if it is a
// directory.
func (h *Handler) rightsBelow(name string) Rights {
	h.once.Do(h.prepare)
	if h.view == nil {
		return account.ReadOnly | h.Write
	}
	return h.view.RightsBelow(name) & (account.ReadOnly | h.Write)
}

// change is a request that changes files, and what came of it.
type change struct {
	h        *Handler
	w        http.ResponseWriter
	r        *http.Request
	user     string // who owns what is kept; "": nothing is kept
	request  *plan.Request
	planner  *plan.Planner
	tree     vfs.Tree
	server   *Server           // nil: another http.Server
	conn     *netconn.HTTPConn // nil: not on a connection of a Server
	name     string            // absolute and clean
	stores   bool              // the request is to store a file
	size     int64             // of the bytes that are to come, as announced; negative: not known
	stop     context.Context   // ends when another request goes on with the same upload; nil: never
	received bool              // the body of a file was begun, or a DELETE was made
	offset   int64             // of the body in the file
	transfer *live.Transfer    // of the body; nil: none
	result   sendfile.Result   // of the body
	kept     int64             // bytes that the user can resume
	err      error             // why the change was not made, if not because of the request

	files []plan.FileResult // of a form; nil: the request was none

	// Of a request of WebDAV, and of others if Handler.WebDAV is set.
	tokens    []string // of locks, from the field If
	newName   string   // of MOVE and COPY
	body      davBody  // of the response; nil: none
	condition string   // that was not met (RFC 4918, 16), for the body of a refusal; "": the reason is the body
}

// refusal is why a change is not made: a status and a reason for the client. Nothing of
// the request is in the reason.
type refusal struct {
	status int
	reason string
	cause  error // for the operator, and for package upload; nil: none

	members []plan.Member // more of the reason, for programs

	isForRight bool // a right is missing, which users who log in may have
}

func (e *refusal) Error() string { return e.reason }
func (e *refusal) Unwrap() error { return e.cause }

// refuse returns a refusal because of the request alone.
func refuse(status int, reason string) *refusal { return &refusal{status: status, reason: reason} }

var (
	errCondition = &refusal{status: http.StatusPreconditionFailed, reason: "The file is not the one that the condition names, or it exists already.", cause: fs.ErrExist}
	errTooLarge  = &refusal{status: http.StatusRequestEntityTooLarge, reason: "The file is larger than this server accepts.", cause: upload.ErrUntrusted}
	errStopped   = &refusal{status: http.StatusConflict, reason: "Another request has gone on with this upload.", cause: net.ErrClosed}
	errDigest    = &refusal{status: http.StatusBadRequest, reason: "The body does not have the announced checksum.", cause: upload.ErrUntrusted}

	errNeedsCreate = &refusal{status: http.StatusForbidden, reason: `This needs the right "create": there is no file of this name.`, cause: fs.ErrPermission}
	errOtherRights = &refusal{status: http.StatusForbidden, reason: "There is a path in this directory to which you have other rights.", cause: fs.ErrPermission}
	errNeedsChange = &refusal{status: http.StatusForbidden, reason: `This needs the right "change": there is a file of this name.`, cause: fs.ErrExist}
	errIsDirectory = &refusal{status: http.StatusConflict, reason: "This is the name of a directory.", cause: syscall.EISDIR}
)

// serveChange answers a request for which mayChange is true, and reports it.
func (h *Handler) serveChange(w http.ResponseWriter, r *http.Request, by requester, request *plan.Request, server *Server, c *netconn.HTTPConn) (err error) {
	begin, user := by.begin, cmp.Or(by.user, h.User)
	var session *live.Session
	if c != nil {
		session = c.Conn().Session()
	}
	planner := h.prepared().Planner
	ch := &change{
		h: h, w: w, r: r, user: user, request: request, planner: planner, tree: h.tree, server: server, conn: c,
		name: path.Clean("/" + request.Path), stores: r.Method == http.MethodPut, size: r.ContentLength,
	}
	var resp plan.Response
	s := sender{h: h, rw: w}
	err = netconn.ErrPanic
	defer func() { // also if the file system, a hook or the ResponseWriter panics
		var rec Transfer
		if ch.received {
			rec = ch.transfer.End(ch.result, cmp.Or(ch.err, err))
			if ch.transfer == nil {
				session.Count(begin, sendfile.Result{})
			}
			rec.Upload, rec.Offset = ch.stores, ch.offset
		} else {
			rec = netconn.EndTransfer(session, nil, begin, s.res, cmp.Or(ch.err, err))
		}
		if err != nil {
			cutOff(c, w, r)
		}
		rec.Path, rec.NewPath, rec.User, rec.Kept = ch.name, ch.newName, user, ch.kept
		h.report(&rec, server, c, session, r, begin, resp.Status)
	}()
	resp = ch.respond()
	defer resp.Release()
	err = s.send(r, &resp)
	return err
}

// respond makes the change, and the response.
func (ch *change) respond() plan.Response {
	status, fields, err := ch.make()
	switch {
	case err == nil && ch.files != nil:
		return ch.planner.Stored(ch.request, ch.files)
	case err == nil && ch.body != nil:
		return ch.planner.Written(ch.request, status, fields, ch.body.write, ch.body.release)
	case err == nil:
		return ch.planner.Changed(ch.request, status, fields)
	}
	why := ch.explain(err)
	if why.isForRight && ch.planner.AsksLoginInstead(ch.r.Method) {
		return ch.asksLogin()
	}
	if ch.received || why.status >= 500 {
		ch.err = err
	}
	if ch.received && ch.stores && ch.r.ProtoMajor == 1 {
		ch.w.Header().Set("Connection", "close") // the rest of the body may be on its way
	}
	if ch.condition != "" {
		return ch.planner.RefusedXML(ch.request, why.status, dav.ErrorBody(ch.condition))
	}
	return ch.planner.Refused(ch.request, why.status, why.reason, why.members...)
}

// make makes the change. The status and the fields are those of a success.
func (ch *change) make() (status int, fields plan.Header, err error) {
	if ch.tree == nil {
		return 0, nil, errAbsent
	}
	if ch.h.WebDAV {
		if err := ch.checkIf(); err != nil {
			return 0, nil, err
		}
		if answer := davAnswers[ch.r.Method]; answer != nil && !plan.IsUpload(ch.r.URL.Path, ch.r.URL.RawQuery) {
			return answer(ch)
		}
	}
	switch fields, err := resumptionOf(ch.r); {
	case err != nil:
		if fields != nil {
			fields.describe(ch.w.Header(), nil, time.Time{}, ch.h.MaxUpload)
		}
		return 0, nil, err
	case fields != nil:
		return ch.resume(fields)
	case ch.r.Method == http.MethodDelete:
		return http.StatusNoContent, nil, ch.remove()
	case ch.r.Method == http.MethodPost:
		return 0, nil, ch.form()
	case ch.r.Method == http.MethodPatch:
		return 0, nil, refuse(http.StatusMethodNotAllowed, "PATCH is for the address of an upload that was begun before, by tus or by Upload-Complete.")
	}
	return ch.put()
}

// put answers PUT. Everything that can be known before the body is read is checked
// before, so that a client that expects 100 Continue keeps a body that would be refused.
func (ch *change) put() (status int, fields plan.Header, err error) {
	target, err := ch.plan(ch.r.Header.Get("X-OC-Mtime"))
	if err != nil {
		return 0, nil, err
	}
	sums, err := parseDigests(append(ch.r.Header.Values("Content-Digest"), ch.r.Header.Values("Repr-Digest")...)...)
	if err != nil {
		return 0, nil, refuse(http.StatusBadRequest, err.Error())
	}
	return ch.store(target, incoming{Reader: ch.r.Body, size: ch.r.ContentLength, most: ch.most(0), sums: sums, isBody: true})
}

// incoming is what a file is received from.
type incoming struct {
	io.Reader        // nil: there are no bytes
	size      int64  // negative: not known
	most      *limit // nil: no limit
	sums      expected
	isBody    bool // it is the body of the request, and not a part of that
}

// limit is the largest number of bytes, and the error of more.
type limit struct {
	bytes int64
	err   error
}

// most returns the limit of the bytes behind offset by MaxUpload.
func (ch *change) most(offset int64) *limit {
	if ch.h.MaxUpload <= 0 {
		return nil
	}
	return &limit{max(ch.h.MaxUpload-offset, 0), errTooLarge}
}

// store receives a file that was planned.
func (ch *change) store(target upload.Target, in incoming) (status int, fields plan.Header, err error) {
	existed := false
	target.Check = func() (err error) {
		existed, err = ch.check()
		return err
	}
	size := int64(0)
	if ch.isDrop() {
		target.Check = nil // whether there is such a file does not matter
	}
	target.Named = func() { fields = ch.planner.Saved(ch.r.Context(), ch.name, size) }
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
		return 0, nil, ch.fileFailed(err, size)
	}
	if u.HasModTime() {
		fields = append(fields, hasModTime)
	}
	if existed {
		return http.StatusNoContent, fields, nil
	}
	return http.StatusCreated, fields, nil
}

var hasModTime = plan.Field{Name: "X-Oc-Mtime", Value: "accepted"}

// fileFailed makes err, with which an upload was not committed, one of the file, because all
// bytes have come.
func (ch *change) fileFailed(err error, size int64) error {
	if errors.As(err, new(*refusal)) {
		return err
	}
	return &sendfile.Error{Op: "receive", Side: sendfile.File, Method: ch.result.Method, Offset: size, Err: err}
}

// plan checks all of an upload but its body, and returns where the body goes. mtime is
// the field X-OC-Mtime.
func (ch *change) plan(mtime string) (target upload.Target, err error) {
	h, header := ch.h, ch.r.Header
	target = upload.Target{
		Writer: ch.writer(), Name: ch.name, Perm: 0o644, Keep: ch.user != "",
	}
	switch coding := strings.Join(header.Values("Content-Encoding"), ","); {
	case h.rightsAt(ch.name)&(Create|Change) == 0:
		return target, refuse(http.StatusMethodNotAllowed, `This needs the right "create" or "change".`)
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
		return target, refuse(http.StatusForbidden, "No file of this name is served here, so none can be made.")
	case ch.r.Method == http.MethodPut && strings.HasSuffix(ch.request.Path, "/"):
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

// isHidden reports whether GET would never serve the name.
func (ch *change) isHidden() bool {
	return ch.planner.Hides(ch.request.Path) || ch.planner.Hides(ch.name) || partial.IsIn(ch.name)
}

// writer returns the user of the tree for package upload.
func (ch *change) writer() upload.Writer {
	w := upload.Writer{
		Tree: ch.tree, Owner: ch.user, Existing: upload.Leave,
		Disk: durable.Policy{Level: ch.h.Durability}, Space: ch.h.space, Tokens: ch.tokens,
	}
	switch {
	case ch.h.rightsAt(ch.name).Has(Change):
		w.Existing = upload.Replace
	case ch.isDrop():
		w.Existing = upload.Evade
	}
	return w
}

// isDrop reports whether the name is in a drop box, where the client must not learn which
// names exist.
func (ch *change) isDrop() bool { return ch.h.rightsAt(ch.name).IsDropBox() }

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

// remove answers DELETE. It removes a link rather than what that leads to.
func (ch *change) remove() error {
	switch {
	case ch.h.view != nil && !ch.h.view.Sees(ch.name):
		return fs.ErrNotExist
	case !ch.h.rightsAt(ch.name).Has(Delete):
		return refuse(http.StatusMethodNotAllowed, `This needs the right "delete".`)
	case ch.isHidden():
		return fs.ErrNotExist
	case ch.name == "/":
		return refuse(http.StatusForbidden, "The top directory cannot be removed.")
	}
	info, err := ch.tree.Lstat(ch.name)
	if err == nil && info.IsDir() {
		if !ch.h.rightsBelow(ch.name).Has(Delete) {
			return errOtherRights
		}
		if !ch.planner.MayChange(ch.r.Context(), ch.request, ch.name, true) {
			return errCondition
		}
		err := uploads.RemoveDir(ch.writer(), ch.name, ch.tree.RemoveDir)
		ch.received = err == nil
		return err
	}
	if err == nil && strings.HasSuffix(ch.request.Path, "/") {
		return fs.ErrNotExist // as for GET
	}
	var check func() error
	if ch.request.IsConditional() {
		check = func() error {
			_, err := ch.tree.Lstat(ch.name)
			if !ch.planner.MayChange(ch.r.Context(), ch.request, ch.name, err == nil) {
				return errCondition
			}
			return nil
		}
	}
	err = uploads.RemoveIf(ch.writer(), ch.name, check, ch.tree.Remove)
	ch.received = err == nil
	return err
}

// explain returns the status and the reason for the client.
func (ch *change) explain(err error) *refusal {
	var known *refusal
	var transferErr *sendfile.Error
	var tooLong *http.MaxBytesError
	var locked *upload.LockedError
	if bound := ch.boundRefusal(err); bound != nil {
		return bound
	}
	switch {
	case errors.As(err, new(*durable.Error)):
		return refuse(http.StatusInternalServerError, "The change was made, but the disk failed: it may not survive a crash.")
	case errors.Is(err, errTooLarge) && ch.h.MaxUpload > 0:
		return refuse(errTooLarge.status, fmt.Sprintf("The file is larger than the %d bytes that this server accepts.", ch.h.MaxUpload))
	case errors.As(err, &known):
		return known
	case errors.As(err, &tooLong):
		return errTooLarge
	case errors.As(err, &locked):
		return lockedRefusal(locked)
	case errors.As(err, &transferErr) && transferErr.Timeout():
		return refuse(http.StatusRequestTimeout, "The body stalled. Nothing was changed.")
	case errors.As(err, &transferErr) && transferErr.Side == sendfile.Peer:
		return refuse(http.StatusBadRequest, "The body is malformed, or ended early. Nothing was changed.")
	case vfs.IsFull(err):
		return refuse(http.StatusInsufficientStorage, "The disk has no room for this file. Nothing was changed.")
	case errors.Is(err, syscall.EFBIG):
		return errTooLarge
	case errors.Is(err, vfs.ErrReadOnly), errors.Is(err, syscall.EROFS):
		return refuse(http.StatusForbidden, "The file system is read-only.")
	case errors.Is(err, errors.ErrUnsupported):
		return refuse(http.StatusForbidden, "The file system cannot do that.")
	case errors.Is(err, vfs.ErrOutside):
		return refuse(http.StatusForbidden, "The name leads out of the served directory.")
	case errors.Is(err, syscall.EISDIR):
		return errIsDirectory
	case ch.stores && errors.Is(err, fs.ErrExist):
		return refuse(http.StatusConflict, "Another file or directory has got this name meanwhile.")
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTEMPTY):
		return refuse(http.StatusConflict, "The directory is not empty.")
	case errors.Is(err, upload.ErrBusy):
		return refuse(http.StatusConflict, "Another transfer writes to this file.")
	case errors.Is(err, fs.ErrPermission):
		return refuse(http.StatusForbidden, "The server has no permission to change this.")
	case vfs.IsExhausted(err), errors.Is(err, vfs.ErrNotResponding):
		return refuse(http.StatusServiceUnavailable, "Too much is going on. Try again soon.")
	case errors.Is(err, fs.ErrInvalid), vfs.IsInvalidName(err):
		return refuse(http.StatusBadRequest, "No file can have this name.")
	case ch.stores && (errors.Is(err, fs.ErrNotExist) || vfs.IsInvalidPath(err)):
		return refuse(http.StatusConflict, "There is no directory to put the file in.")
	case errors.Is(err, fs.ErrNotExist), vfs.IsInvalidPath(err):
		return refuse(http.StatusNotFound, "There is nothing here.")
	}
	return refuse(http.StatusInternalServerError, "The file system failed. The operator can find the reason in the log.")
}

// copyBuffers are for bodies that are copied.
var copyBuffers = sync.Pool{New: func() any { return new([128 << 10]byte) }}

// receive writes the bytes to f, from the offset at on, and returns how many have come.
// The error is a *sendfile.Error, or a *refusal.
func (ch *change) receive(f io.WriterAt, at int64, in incoming) (n int64, err error) {
	h, r := ch.h, ch.r
	stall := ch.stall()
	ctx := ch.ctx()
	if ch.conn != nil {
		ch.transfer = ch.conn.Conn().Session().Begin(live.Job{Op: r.Method, Path: ch.name, Size: in.size, Upload: true, Before: -1})
	}
	limits := h.uploadLimits.Begin(ctx, in.size, ch.transfer)
	defer func() { limits.Close(ch.result.Sent) }()
	ch.offset = at
	_, isFile := f.(*os.File)
	if isFile && in.isBody && ch.conn != nil && len(in.sums) == 0 && h.Method != sendfile.Copy && in.size >= netconn.MinDirect && ch.conn.OwnsBody(r.Body) {
		ch.setDeadline(stall) // for the bytes that net/http reads itself
		ch.result, err = ch.conn.ReceiveBody(ctx, r.Body, f, at, in.size, sendfile.Options{Timeout: stall, Wait: limits.Hook()}, ch.transfer)
	} else {
		err = ch.copyBody(ctx, f, at, in, stall, limits)
	}
	switch {
	case err != nil && ch.stop != nil && ch.stop.Err() != nil:
		err = errStopped
	case err == nil && !in.sums.match():
		err = errDigest
	}
	return ch.result.Sent, err
}

// ctx returns the context that ends the wait for bytes and for limits.
func (ch *change) ctx() context.Context {
	switch {
	case ch.stop != nil:
		return ch.stop
	case ch.server != nil:
		return ch.server.base
	}
	return context.Background()
}

// stall returns the longest wait for the client.
func (ch *change) stall() time.Duration {
	if ch.conn != nil {
		return ch.conn.StallTimeout()
	}
	return ch.h.stallTimeout()
}

// copyBody is receive by way of a buffer.
func (ch *change) copyBody(ctx context.Context, f io.WriterAt, at int64, in incoming, stall time.Duration, limits *netconn.Limits) (err error) {
	buffer := copyBuffers.Get().(*[128 << 10]byte)
	defer copyBuffers.Put(buffer)
	fail := func(side sendfile.Side, err error) error {
		return &sendfile.Error{Op: "receive", Side: side, Method: sendfile.Copy, Offset: at + ch.result.Sent, Err: err}
	}
	ch.result.Method = sendfile.Copy
	if in.isBody && ch.r.Body == nil { // as http.NewRequest makes it
		in.Reader = http.NoBody
	}
	granted := 0 // bytes that the limits allow and that are not read
	for {
		if granted == 0 {
			if granted, err = limits.Take(len(buffer)); err != nil {
				return fail(sendfile.Peer, err)
			}
		}
		ch.setDeadline(stall)
		if err := ctx.Err(); err != nil { // the end of ctx is followed by a deadline in the past
			return fail(sendfile.Peer, err)
		}
		ch.transfer.Idle(true)
		n, err := in.Read(buffer[:granted])
		ch.transfer.Idle(false)
		granted -= n
		p := buffer[:n]
		if in.most != nil && ch.result.Sent+int64(n) > in.most.bytes {
			return in.most.err
		}
		in.sums.write(p)
		if len(p) > 0 {
			written, err := f.WriteAt(p, at+ch.result.Sent)
			ch.result.Sent += int64(written)
			ch.transfer.Add(sendfile.Result{Sent: int64(written), Method: sendfile.Copy})
			if err != nil {
				return fail(sendfile.File, err)
			}
		}
		switch {
		case err == io.EOF && in.size >= 0 && ch.result.Sent != in.size:
			return fail(sendfile.Peer, io.ErrUnexpectedEOF)
		case err == io.EOF:
			ch.setDeadline(0)
			return nil
		case err != nil:
			return fail(sendfile.Peer, err)
		}
	}
}

// setDeadline bounds the next wait for the client; zero is no bound. If another
// http.Server has a ReadTimeout, only that holds.
func (ch *change) setDeadline(stall time.Duration) {
	if server, ok := ch.r.Context().Value(http.ServerContextKey).(*http.Server); ch.conn == nil && ok && server.ReadTimeout > 0 {
		return
	}
	var at time.Time
	if stall > 0 {
		at = time.Now().Add(stall)
	}
	_ = http.NewResponseController(ch.w).SetReadDeadline(at) // middleware without Unwrap keeps the deadline that there is
}

// Durability says which changes are on the disk, and survive a power cut, before the
// response. Package ftpd has the same type, and says more. Its text forms are full,
// strict, rename and none.
type Durability = durable.Level

// The levels of Durability.
const (
	DurabilityFull   = durable.Full   // uploads, each with its name; removals within a second
	DurabilityStrict = durable.Strict // all changes
	DurabilityRename = durable.Rename // only the content of a file, before it gets its name
	DurabilityNone   = durable.None   // nothing
)

// Sweep removes from fsys what is left of uploads that broke off, or were ended by a
// crash, longer than age ago, but at least an hour. It walks all of fsys, and blocks
// until that is done or ctx ends, whose error it returns then. Call it now and then for a
// file system to which clients upload. Every upload under way must move a byte within
// age.
func Sweep(ctx context.Context, fsys afero.Fs, age time.Duration) (removed int, err error) {
	return upload.Sweep(ctx, vfs.Of(fsys), time.Now().Add(-max(age, time.Hour)))
}
