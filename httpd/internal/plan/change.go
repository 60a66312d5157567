package plan

import (
	"context"
	"time"

	"sluice/internal/budget"
	"sluice/internal/filecache"
)

// The methods below are for requests that change files. The caller makes the change.

// Hides reports whether a file of that name would not be served, so that none may be
// made or removed.
func (p *Planner) Hides(name string) bool { return p.hides(name) }

// IsConditional reports whether MayChange depends on the state of the file.
func (r *Request) IsConditional() bool {
	return r.IfMatch != "" || r.IfNoneMatch != "" || r.IfUnmodifiedSince != ""
}

// MayChange evaluates the conditions of a request that changes what is at name, in the
// order of RFC 9110, 13.2.2. exists says whether anything has the name. The entity tag
// and the time are those of the file itself in its present state, not of a compressed
// form. It may read the file, if ContentETags is set.
func (p *Planner) MayChange(ctx context.Context, r *Request, name string, exists bool) bool {
	if !r.IsConditional() {
		return true
	}
	var v validators
	if exists {
		v, _ = p.present(ctx, r.party(), name)
	}
	if r.IfMatch != "" {
		if !exists || !matchesAny(r.IfMatch, v.etag, strongMatch) {
			return false
		}
	} else if since, ok := dateOf(r.IfUnmodifiedSince, v); ok && seconds(v.modified).After(since) {
		return false
	}
	return r.IfNoneMatch == "" || !exists || !matchesAny(r.IfNoneMatch, v.etag, weakMatch)
}

// present returns the validators and the size of the file at name as it is on the disk;
// none for a directory or a file that cannot be read.
func (p *Planner) present(ctx context.Context, party budget.Party, name string) (v validators, size int64) {
	f, err := p.presentFile(name)
	if err != nil || f.Info.IsDir() {
		if err == nil {
			f.Release()
		}
		return validators{}, -1
	}
	defer f.Release()
	return validators{etag: p.strongETag(ctx, party, f, p.factsOf(name, f)), modified: modifiedOf(f.Info)}, f.Info.Size()
}

func (p *Planner) presentFile(name string) (*filecache.File, error) {
	f, err := p.get(name, Lookup{})
	if err != nil {
		return nil, err
	}
	return p.Files.Renew(name, f)
}

// Saved returns, for the client of r, the fields with the validators of a file of that size that was just
// saved as name. Another size means that its content is another by now: then it returns
// none (RFC 9110, 9.3.4).
func (p *Planner) Saved(ctx context.Context, r *Request, name string, size int64) Header {
	v, found := p.present(ctx, r.party(), name)
	var fields Header
	if found == size {
		fields.addValidators(&resource{validators: v}, time.Now())
	}
	return fields
}

// Changed answers a request that has changed a file.
func (p *Planner) Changed(r *Request, status int, fields Header) Response {
	resp := Response{Status: status, Header: fields}
	p.finish(r, &resp)
	return resp
}

// Refused answers a request that changes nothing, with the reason in words. reason must
// have nothing of the request in it. Programs that prefer JSON get the members too.
func (p *Planner) Refused(r *Request, status int, reason string, members ...Member) Response {
	resp := explain(r, status, reason, members...)
	switch status {
	case statusMethodNotAllowed:
		resp.Header.add("Allow", p.allow())
	case statusUnsupportedMediaType:
		resp.Header.add("Accept-Encoding", "identity") // RFC 9110, 12.5.3
	}
	p.finish(r, &resp)
	return resp
}
