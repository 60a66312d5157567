package plan

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/internal/filecache"
	"sluice/internal/vfs"
)

// Plan is what will be answered to a request, before anything of it is made. The
// caller calls Respond or Release.
type Plan struct {
	// Streamed means that the length of the body is not known before its end. (A
	// condition of the request may still make it a response without a body.)
	Streamed bool

	// Lengthy means that Respond may take as long as it takes to read files, or to
	// look at very many of them. The client may be gone before it ends, so the
	// caller should watch the client, and cancel the context when it is gone.
	Lengthy bool

	// AsksLogin means that the client must log in. The caller answers by
	// Planner.Refuse, and then calls Release.
	AsksLogin bool

	planner *Planner
	request Request
	kind    kind

	// cachedAt, if it is not zero, is the time of PlanCached. wouldWait means then that
	// the plan needs more than what is cached.
	cachedAt  time.Time
	wouldWait bool

	status  int          // if kind is failed or refusedMethod
	why     string       // if kind is failed: the reason for the client; "": the usual one for the status
	reason  string       // if kind is failed: as in Response
	archive *archiveKind // if kind is sendsArchive

	// If kind is sendsFile, or missing and there is a page for that.
	name       string
	file       *filecache.File // the one that is sent, which may be a compressed form of the one at name
	facts      *facts          // about file; not if there is a checksum
	checksum   *checksumKind   // nil: the file itself
	fields     Header          // of facts of the file at name
	coding     string          // of file; "": none
	ext        string          // of the name of file, for its coding
	negotiated string          // as in resource
	isDownload bool            // the query wants the file to be saved
	isFallback bool            // the file is that of Config.Fallback

	isMakeshift bool // another response with the same file may have another entity tag
}

// kind is the kind of the response that a Plan makes.
type kind uint8

const (
	failed kind = iota
	missing
	refusedMethod
	saysOptions
	redirects
	loggedIn
	asksLogout
	sendsFile
	hasNoIcon
	sendsListing
	sendsArchive
)

// allowed is the value of the field Allow where nothing may be changed.
const allowed = "GET, HEAD, OPTIONS"

// allow returns the value of the field Allow.
func (p *Planner) allow() string { return strings.Join(append([]string{allowed}, p.Changes...), ", ") }

// knownMethods are the methods that a server of files could support. For these a
// refusal is 405, as this server does not allow them (RFC 9110, 15.5.6); for all
// others it is 501, as it does not know them (15.6.2).
var knownMethods = []string{
	"POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE",
	"COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "UNLOCK", // WebDAV, RFC 4918
}

// Plan decides what to answer to a request. It takes over l, which is the Lookup
// of the request or its zero value. It may open files, and read the beginning of one to
// know its type, but reads no further content.
func (p *Planner) Plan(r *Request, l Lookup) Plan {
	pl := Plan{planner: p, request: *r}
	pl.decide(l)
	return pl
}

// PlanCached is Plan for a caller that must not wait for a disk, now at the time of the
// request. It is ok if the plan and its Respond need only files that are cached, and know
// all about them that they need. It takes over l, which is the result of LookupCached or
// the zero value, in any case: if it is not ok, the caller leaves the request to one that
// may wait, and that begins anew.
func (p *Planner) PlanCached(r *Request, l Lookup, now time.Time) (pl Plan, ok bool) {
	pl = Plan{planner: p, request: *r, cachedAt: now}
	pl.decide(l)
	if pl.wouldWait || pl.Lengthy || pl.Streamed || pl.AsksLogin {
		pl.Release()
		return Plan{}, false
	}
	return pl, true
}

// decide makes the plan. It takes over l.
func (pl *Plan) decide(l Lookup) {
	p, r := pl.planner, &pl.request
	switch {
	case r.isHead() && r.Query != "" && p.mayUpload() && IsUpload(r.Path, r.Query):
		l.Release()
		pl.Lengthy, pl.kind, pl.status = true, failed, statusNotFound // net/http leads to the upload
		pl.AsksLogin = p.AsksLoginToChange("PATCH")
	case r.Method == "GET", r.Method == "HEAD":
		pl.find(l)
	case r.Method == "OPTIONS":
		pl.kind = saysOptions
	case p.AsksLoginToChange(r.Method):
		l.Release()
		pl.AsksLogin = true
		pl.kind, pl.status = failed, statusUnauthorized
	case slices.Contains(knownMethods, r.Method):
		pl.kind, pl.status = refusedMethod, statusMethodNotAllowed
	default:
		pl.kind, pl.status = refusedMethod, statusNotImplemented
	}
}

// get returns the file at name. The caller releases it.
func (pl *Plan) get(name string, l Lookup) (*filecache.File, error) {
	if pl.cachedAt.IsZero() || l.file != nil || l.err != nil || pl.planner.Files == nil {
		return pl.planner.get(name, l)
	}
	f, err := pl.planner.Files.Cached(name, pl.cachedAt)
	pl.wouldWait = pl.wouldWait || err == filecache.ErrWouldWait //nolint:errorlint // it is not wrapped
	return f, err
}

// getToSend is get for a file that the response has from its first byte on, as far as that is known before it is open.
func (pl *Plan) getToSend(name string, l Lookup) (*filecache.File, error) {
	p, r := pl.planner, &pl.request
	isWhole := r.Method == "GET" && r.Query == "" && r.WantReprDigest == "" && !r.isConditional() && !strings.HasSuffix(name, "/")
	isKnown := !pl.cachedAt.IsZero() || l.file != nil || l.err != nil || p.Files == nil
	if !isWhole || isKnown || p.RedirectFor > 0 || p.Precompressed || !vfs.OpensToRead(p.Tree, name) {
		return pl.get(name, l)
	}
	return p.Files.GetToRead(name)
}

// getRegular returns a file that is not a directory. The caller releases it.
func (pl *Plan) getRegular(name string) (*filecache.File, error) {
	f, err := pl.get(name, Lookup{})
	if err == nil && f.Info.IsDir() {
		f.Release()
		return nil, fs.ErrNotExist
	}
	return f, err
}

// find finds what the path stands for.
func (pl *Plan) find(l Lookup) {
	p, r := pl.planner, &pl.request
	if p.logins.Load() && pl.findLogin() {
		l.Release()
		return
	}
	if p.hides(r.Path) {
		l.Release()
		pl.miss()
		return
	}
	f, err := pl.getToSend(r.Path, l)
	if err != nil {
		pl.fail(err)
		return
	}
	wantsDir := strings.HasSuffix(r.Path, "/")
	switch {
	case !f.Info.IsDir() && wantsDir:
		f.Release()
		pl.miss()
	case !f.Info.IsDir():
		pl.take(r.Path, f)
	case !wantsDir, r.isSlashEncoded():
		f.Release()
		pl.kind = redirects
	default:
		f.Release()
		pl.findInDir()
	}
}

// findInDir finds what stands for the directory: an archive, its index file, or a
// listing.
func (pl *Plan) findInDir() {
	p, r := pl.planner, &pl.request
	if p.Archives && r.Query != "" {
		for i := range archives {
			if hasWord(r.Query, archives[i].word) {
				pl.kind, pl.archive = sendsArchive, &archives[i]
				pl.Lengthy, pl.Streamed = true, pl.archive.gzip
				return
			}
		}
	}
	for _, name := range p.index() {
		name = path.Join(r.Path, name)
		f, err := pl.getRegular(name)
		if err == nil {
			pl.take(name, f)
			return
		}
		if !errors.Is(err, fs.ErrNotExist) {
			pl.fail(err) // a listing must not stand in for an index file that cannot be read
			return
		}
	}
	if p.NoListing {
		pl.miss()
		return
	}
	pl.kind, pl.Streamed = sendsListing, true
}

func (p *Planner) index() []string {
	if p.Index == nil {
		return []string{"index.html"}
	}
	return p.Index
}

// take plans to send the file at name, or what the query wants of it. It takes
// over f.
func (pl *Plan) take(name string, f *filecache.File) {
	pl.kind, pl.name, pl.file = sendsFile, name, f
	pl.Lengthy = pl.request.WantReprDigest != ""
	if pl.request.Query != "" {
		for i := range checksums {
			if hasWord(pl.request.Query, checksums[i].word) {
				pl.checksum, pl.Lengthy = &checksums[i], true
				return
			}
		}
		pl.isDownload = hasWord(pl.request.Query, "download")
	}
	pl.chooseForm()
}

// fail plans the response to an error of opening a file.
func (pl *Plan) fail(err error) {
	if pl.status = statusOf(err); pl.status == statusNotFound {
		pl.miss()
		return
	}
	pl.kind, pl.why, pl.reason = failed, whyFailed(err), reasonOf(err)
}

// miss plans the response for a name that is not served.
func (pl *Plan) miss() {
	pl.kind = missing
	p := pl.planner
	if p.Fallback != "" && isPage(&pl.request) {
		if f, err := pl.getRegular(p.Fallback); err == nil {
			pl.take(p.Fallback, f)
			pl.isFallback = true
			return
		}
	}
	if isIcon(pl.request.Path) && p.Files != nil {
		pl.kind = hasNoIcon
		return
	}
	if p.NotFoundPage != "" {
		if f, err := pl.getRegular(p.NotFoundPage); err == nil {
			pl.name, pl.file, pl.facts = p.NotFoundPage, f, pl.factsOf(p.NotFoundPage, f)
		}
	}
}

// Release gives back the files of a Plan that is not carried out.
func (pl *Plan) Release() {
	if pl.file != nil {
		pl.file.Release()
		pl.file = nil
	}
}

// Respond makes the response. It reads content only if that decides the response.
// The end of ctx ends the work, and the response is a failure then. The caller sends
// the Response and releases it.
func (pl *Plan) Respond(ctx context.Context) Response {
	resp := pl.make(ctx)
	pl.planner.finish(&pl.request, &resp)
	if resp.isElsewhere {
		resp.Header.keepSecret()
	}
	return resp
}

func (pl *Plan) make(ctx context.Context) Response {
	p, r := pl.planner, &pl.request
	var resp Response
	switch pl.kind {
	case missing:
		return pl.notFound()
	case redirects:
		return redirectToSlash(r)
	case loggedIn:
		return redirectWithoutQuery(r)
	case asksLogout:
		return logoutPage(r)
	case sendsFile:
		resp = pl.sendFile(ctx)
		resp.isFile, resp.isFallback, resp.name = !resp.isElsewhere, pl.isFallback, pl.name
		if pl.isFallback {
			resp.Header.vary("Accept")
		}
		return resp
	case hasNoIcon:
		return noIcon()
	case sendsListing:
		return pl.sendListing(ctx)
	case sendsArchive:
		return pl.sendArchive(ctx)
	case saysOptions:
		resp.Status = statusNoContent
		p.preflight(r, &resp.Header)
		p.addUploads(&resp.Header)
		resp.Header.add("Allow", p.allow())
		if p.DAV {
			resp.Status = statusOK // as IIS and mod_dav answer, and their clients expect
			p.addDAV(&resp.Header)
		}
		return resp
	case refusedMethod:
		switch {
		case r.User != "" && p.rightsFor(r.Method) != "":
			resp = explain(r, pl.status, "This needs the right "+p.rightsFor(r.Method)+".")
		case len(p.Changes) > 0: // the usual hint says that files can only be read
			resp = explain(r, pl.status, "This method does nothing here.")
		default:
			resp = failure(r, pl.status)
		}
		resp.Header.add("Allow", p.allow())
		return resp
	}
	switch {
	case pl.why != "":
		resp = explain(r, pl.status, pl.why)
	case pl.status == statusNotImplemented:
		resp = explain(r, pl.status, "The size of this file is not known before it was read, so it cannot be sent.")
	default:
		resp = failure(r, pl.status)
	}
	resp.Reason = pl.reason
	return resp
}

// rightsFor returns the rights that a user lacks to whom a method is refused. "": another
// reason.
func (p *Planner) rightsFor(method string) string {
	switch method {
	case "PUT", "POST", "PATCH":
		return `"create" or "change"`
	case "DELETE":
		return `"delete"`
	}
	if !p.DAV {
		return ""
	}
	switch method {
	case "MKCOL", "COPY":
		return `"create"`
	case "MOVE":
		return `"rename"`
	case "LOCK", "UNLOCK":
		return `"create" or "change"`
	case "PROPPATCH":
		return `"change"`
	}
	return ""
}

// makeFailure makes the response to an error that Respond has met.
func (pl *Plan) makeFailure(ctx context.Context, err error) Response {
	pl.fail(err)
	return pl.make(ctx)
}

// makeMissing makes the response for a file that has disappeared since it was
// found.
func (pl *Plan) makeMissing(ctx context.Context) Response {
	pl.miss()
	return pl.make(ctx)
}

// notFound answers with the page for names that are not served.
func (pl *Plan) notFound() Response {
	resp := failure(&pl.request, statusNotFound)
	if pl.file != nil {
		resp.Header.set("Content-Type", pl.facts.mediaType)
		resp.Body, resp.file = pl.facts.body, pl.file
	}
	return resp
}

// isIcon reports whether browsers request a path on their own, with the first page of a site.
func isIcon(path string) bool {
	return path == "/favicon.ico" || strings.HasPrefix(path, "/apple-touch-icon") && strings.HasSuffix(path, ".png")
}

// noIcon answers for a site without an icon. It is no 404: people who open a page have not chosen a name that does not
// exist, and programs such as fail2ban count these.
func noIcon() Response {
	resp := Response{Status: statusNoContent}
	resp.Header.add("Cache-Control", "max-age=86400")
	return resp
}

// redirectToSlash sends the client to the form of a directory's name from which
// the links of a page resolve. The target is relative, and has only the last element
// of the path that the client knows, so that no name leads to another host. It begins
// with ./ because a name with a colon would be read as a scheme otherwise. An encoded
// slash is a part of that element.
func redirectToSlash(r *Request) Response {
	resp := failure(r, statusMovedPermanently)
	known := EncodedPath(r.URI)
	if known == "" || strings.HasSuffix(known, "/") {
		known = (&url.URL{Path: r.Path}).EscapedPath()
	}
	target := known[strings.LastIndexByte(known, '/')+1:]
	target, _ = url.PathUnescape(target) // EscapedPath returns only valid escapes
	if target != "." && target != ".." {
		target = "./" + url.PathEscape(target)
	}
	target += "/"
	if r.Query != "" {
		target += "?" + r.Query
	}
	resp.Header.add("Location", target)
	return resp
}

// KeepHead keeps the beginning of the head of resp with the file, for
// Lookup.KeptHead, if all plain requests for the file have that head. Those that could be sent to the store are not plain.
func (pl *Plan) KeepHead(resp *Response, head []byte) {
	if pl.kind == sendsFile && !pl.isMakeshift && resp.Status == statusOK && pl.name == pl.request.Path && pl.planner.isPlain(&pl.request) &&
		pl.file.IsShared() && time.Now().After(settles(pl.file.Info.ModTime())) && !pl.redirectsToStore() {
		kept := string(head)
		pl.facts.head.Store(&kept)
	}
}
