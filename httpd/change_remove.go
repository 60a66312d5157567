package httpd

import (
	"io/fs"
	"net/http"
)

// remove answers DELETE. It removes a link rather than what that leads to.
func (ch *change) remove() error {
	switch {
	case !ch.h.sees(ch.name):
		return fs.ErrNotExist
	case !ch.h.rightsAt(ch.name).Has(Delete):
		return ch.needs(Delete, `"delete"`)
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
		if !ch.mayChangeIf() {
			return errCondition
		}
		err := uploads.RemoveDir(ch.writer(), ch.name, ch.tree.RemoveDir)
		ch.received = err == nil
		return err
	}
	if err == nil && ch.isToDirectory() {
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
