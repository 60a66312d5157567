package httpd

import (
	"errors"
	"io/fs"
	"net/http"
	"time"

	"sluice/httpd/internal/dav"
	"sluice/httpd/internal/plan"
	"sluice/internal/upload"
)

// lock locks a file or a directory, or refreshes a lock. For a name without a file it makes an empty one (RFC 4918,
// 9.10.4).
func (ch *change) lock() (status int, fields plan.Header, err error) {
	body, err := ch.readXML()
	if err != nil {
		return 0, nil, err
	}
	wanted, err := dav.ParseLock(body)
	if err != nil {
		return 0, nil, errSyntax
	}
	depth, err := dav.ParseDepth(ch.r.Header.Get("Depth"), dav.DepthInfinity)
	if err != nil || depth == dav.DepthOne {
		return 0, nil, errDepth
	}
	rights := ch.h.rightsAt(ch.name)
	switch err := ch.checkKnown(ch.name); {
	case ch.isHidden():
		return 0, nil, errHidden
	case err != nil:
		return 0, nil, err
	case rights&(Create|Change) == 0:
		return 0, nil, lacks("change")
	case depth == dav.DepthInfinity && rights.Has(Change) && !ch.h.rightsBelow(ch.name).Has(Change):
		return 0, nil, errOtherRights
	}
	_, err = ch.tree.Lstat(ch.name)
	exists := err == nil
	switch {
	case !exists && !errors.Is(err, fs.ErrNotExist):
		return 0, nil, err
	case !exists && !rights.Has(Create):
		return 0, nil, lacks("create")
	case exists && !rights.Has(Change):
		return 0, nil, lacks("change")
	case !exists && ch.isToDirectory():
		return 0, nil, refuse(http.StatusConflict, "There is no directory of this name: make it by MKCOL.")
	}
	timeout := dav.ParseTimeout(ch.r.Header.Get("Timeout"))
	if wanted.Refresh {
		l, err := uploads.RefreshLock(ch.writer(), ch.name, timeout)
		if err != nil {
			ch.condition = "lock-token-matches-request-uri"
			return 0, nil, refuse(http.StatusPreconditionFailed, "The field If must have the token of a lock of yours on this.")
		}
		ch.body = xmlText(dav.LockBody(ch.activeLock(l)))
		return http.StatusOK, plan.Header{xmlType}, nil
	}
	if !exists {
		if err := ch.checkParent(ch.name); err != nil {
			return 0, nil, err
		}
	}
	l, err := uploads.Lock(ch.writer(), ch.name, upload.Lock{
		Comment: wanted.Owner, Name: ch.name, Shared: wanted.Shared, Infinite: depth == dav.DepthInfinity, Timeout: timeout,
	})
	switch {
	case errors.Is(err, upload.ErrTooManyLocks):
		return 0, nil, refuse(http.StatusInsufficientStorage, "You hold too many locks. Unlock some.")
	case err != nil:
		return 0, nil, err
	}
	status = http.StatusOK
	if !exists {
		ch.tokens = append(ch.tokens, l.Token)
		if err := ch.makeEmpty(); err != nil {
			_ = uploads.Unlock(ch.writer(), ch.name, l.Token) // fails only if its time has passed
			return 0, nil, err
		}
		status = http.StatusCreated
	}
	ch.body = xmlText(dav.LockBody(ch.activeLock(l)))
	return status, plan.Header{xmlType, {Name: "Lock-Token", Value: "<" + l.Token + ">"}}, nil
}

// makeEmpty makes an empty file, unless there is one meanwhile.
func (ch *change) makeEmpty() error {
	w := ch.writer()
	w.Existing = upload.Leave
	u, err := uploads.Create(upload.Target{Writer: w, Name: ch.name, Perm: 0o644})
	if err != nil {
		return err
	}
	if _, err = u.Commit(0, nil); errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// unlock removes a lock.
func (ch *change) unlock() (status int, fields plan.Header, err error) {
	token, err := dav.ParseLockToken(ch.r.Header.Get("Lock-Token"))
	if err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "The field Lock-Token is missing or malformed.")
	}
	if err := uploads.Unlock(ch.writer(), ch.name, token); err != nil {
		ch.condition = "lock-token-matches-request-uri"
		return 0, nil, refuse(http.StatusConflict, "You have no lock of this token here.")
	}
	return http.StatusNoContent, nil, nil
}

// activeLock describes a lock. Other users learn neither its token nor its holder.
func (ch *change) activeLock(l upload.Lock) string {
	shown := dav.ActiveLock{Shared: l.Shared, Infinite: l.Infinite, Timeout: time.Until(l.Expires)}
	if l.Holder == ch.user {
		shown.Owner, shown.Token, shown.Href = l.Comment, l.Token, ch.href(l.Name, false)
	}
	return shown.XML()
}
