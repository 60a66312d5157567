package httpd

import (
	"io/fs"
	"net/http"

	"sluice/httpd/internal/plan"
	"sluice/internal/account"
)

// The rights of a client to a name are asked for before the file system is, so that a refusal is the same whether there is
// such a file or not. All reading goes through change.seen, in which files without the rights List and Read are absent.

// mayList reports whether the client may see the names in a directory, or the properties of a file, of that name.
func (h *Handler) mayList(name string) bool {
	h.once.Do(h.prepare)
	return !h.NoListing && (h.view == nil || h.view.MayList(name))
}

// lacks returns the refusal of a change for which the right of that name is missing.
func lacks(right string) *refusal {
	return &refusal{status: http.StatusForbidden, reason: `This needs the right "` + right + `".`, cause: fs.ErrPermission, isForRight: true}
}

var (
	// errAbsent is the refusal of every request about a name that does not exist for the client.
	errAbsent = &refusal{status: http.StatusNotFound, reason: "There is nothing here.", cause: fs.ErrNotExist, isForRight: true}

	errDropBox = &refusal{status: http.StatusForbidden, reason: "This is a drop box: files can be sent here by PUT or a form, and nothing else can be done.", cause: fs.ErrPermission, isForRight: true}
)

// lacking is lacks for a request about name.
func (ch *change) lacking(name, right string) error {
	if !ch.h.sees(name) {
		return errAbsent
	}
	return lacks(right)
}

// checkKnown returns the refusal if the client must not learn whether there is something called name.
func (ch *change) checkKnown(name string) error {
	switch {
	case ch.h.rightsAt(name).IsDropBox():
		return errDropBox
	case !ch.h.sees(name):
		return errAbsent
	}
	return nil
}

// checkMove returns the refusal if the client may not give another name to what is called name, with all that may be in
// it, or this name to another file.
func (ch *change) checkMove(name string) error {
	switch {
	case !ch.h.rightsAt(name).Has(Rename):
		return ch.lacking(name, "rename")
	case !ch.h.rightsBelow(name).Has(Rename):
		return errOtherRights
	}
	return nil
}

// rightsToMount returns the rights that the client has at some path which is no drop box.
func (h *Handler) rightsToMount() (all Rights) {
	add := func(rights Rights) {
		if rights &= account.ReadOnly | h.Write; !rights.IsDropBox() {
			all |= rights
		}
	}
	hasRoot := false
	for _, at := range h.Paths.All() {
		add(at.Rights)
		hasRoot = hasRoot || at.Path == "/"
	}
	if !hasRoot {
		add(account.ReadOnly | h.Write)
	}
	return all
}

// mayLock reports whether the client may lock what is called name, or make a file by that.
func (ch *change) mayLock(name string) bool {
	rights := ch.h.rightsAt(name)
	return rights&(Create|Change) != 0 && !rights.IsDropBox()
}

// asksLogin returns the response by which a guest is asked for a password, because users may have the right that is
// missing.
func (ch *change) asksLogin() plan.Response {
	server, _ := connOf(ch.r.Context())
	return ch.planner.Refuse(ch.request, server.asPage(ch.r, loginRefusal(ch.r)))
}
