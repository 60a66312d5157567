package httpd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"path"
	"syscall"
	"time"

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

// mayStore returns what a client may upload to a directory.
func (h *Handler) mayStore(dir string) plan.Uploads {
	rights := h.rightsAt(path.Join(dir, "file"))
	return plan.Uploads{Create: rights.Has(Create), Replace: rights.Has(Change), Unseen: rights.Has(Create) && !rights.Has(List)}
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
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	user    string // who owns what is kept; "": nothing is kept
	request *plan.Request
	planner *plan.Planner
	tree    vfs.Tree
	server  *Server           // nil: another http.Server
	conn    *netconn.HTTPConn // nil: not on a connection of a Server
	name    string            // absolute and clean
	stores  bool              // the request is to store a file
	size    int64             // of the bytes that are to come, as announced; negative: not known
	stop    context.Context   // ends when another request goes on with the same upload; nil: never

	outcome
	files []plan.FileResult // of a form; nil: the request was none
	davChange
}

// outcome is what came of a change, for the report. Each file of a form has its own.
type outcome struct {
	received bool            // the body of a file was begun, or a DELETE was made
	offset   int64           // of the body in the file
	transfer *live.Transfer  // of the body; nil: none
	result   sendfile.Result // of the body
	kept     int64           // bytes that the user can resume
	err      error           // why the change was not made, if not because of the request
}

// davChange is what a change has more if Handler.WebDAV is set.
type davChange struct {
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
	status, fields, err := ch.perform()
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

// perform makes the change. The status and the fields are those of a success.
func (ch *change) perform() (status int, fields plan.Header, err error) {
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
	switch fields, err := parseUploadRequest(ch.r); {
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
