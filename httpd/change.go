package httpd

import (
	"cmp"
	"context"
	"net/http"
	"path"
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

// sees reports whether a file or directory of that name exists for the client, if there is one.
func (h *Handler) sees(name string) bool {
	h.once.Do(h.prepare)
	return h.view == nil || h.view.Sees(name)
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
	s := sender{h: h, rw: w, client: request.Client}
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
		rec.Path, rec.NewPath, rec.User, rec.Kept, rec.Reason = ch.name, ch.newName, user, ch.kept, resp.Reason
		live.HeldBack(&rec, request.Waits)
		h.report(&rec, server, c, session, r, begin, resp.Status)
	}()
	resp = ch.respond()
	defer resp.Release()
	err = s.send(r.Context(), r, &resp)
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

// mayChangeIf evaluates the conditions of the request about what has its name.
func (ch *change) mayChangeIf() bool {
	return ch.planner.MayChange(ch.r.Context(), ch.request, ch.name, true)
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
