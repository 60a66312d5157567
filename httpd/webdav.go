package httpd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"sluice/httpd/internal/dav"
	"sluice/httpd/internal/plan"
	"sluice/internal/live"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// davAnswers answer the methods of WebDAV (RFC 4918, 9), but GET, HEAD and PUT. The status and the fields are those of a
// success.
var davAnswers map[string]func(ch *change) (status int, fields plan.Header, err error)

func init() { // because the functions lead back to the table
	davAnswers = map[string]func(ch *change) (int, plan.Header, error){
		"PROPFIND":        (*change).propfind,
		"PROPPATCH":       (*change).proppatch,
		"MKCOL":           (*change).mkcol,
		"COPY":            (*change).copy,
		"MOVE":            (*change).move,
		"LOCK":            (*change).lock,
		"UNLOCK":          (*change).unlock,
		http.MethodDelete: (*change).removeTree,
	}
}

// davMethods returns the methods of WebDAV that can do something here.
func (h *Handler) davMethods() (methods []string) {
	if !h.WebDAV {
		return nil
	}
	if !h.NoListing {
		methods = append(methods, "PROPFIND")
	}
	rights := h.rightsToMount()
	if rights.Has(Change) {
		methods = append(methods, "PROPPATCH")
	}
	if rights.Has(Create) {
		methods = append(methods, "MKCOL", "COPY")
	}
	if rights.Has(Rename) {
		methods = append(methods, "MOVE")
	}
	if rights&(Create|Change) != 0 {
		methods = append(methods, "LOCK", "UNLOCK")
	}
	return methods
}

// answersDAV reports whether a request with that method is one of WebDAV that is answered here, if only to say which right
// is missing. Where nothing may be changed, methods that change files are unknown.
func (h *Handler) answersDAV(method string) bool {
	if !h.WebDAV || method == http.MethodDelete || davAnswers[method] == nil {
		return false
	}
	if method == "PROPFIND" {
		return !h.NoListing || h.Write != 0
	}
	return h.Write != 0
}

// davBody is the body of a response of WebDAV.
type davBody interface {
	write(ctx context.Context, w io.Writer) error
	release()
}

// xmlText is a body in memory.
type xmlText string

func (t xmlText) write(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(t))
	return err
}

func (xmlText) release() {}

// xmlType is the media type of all bodies. Some clients want text/xml, and all take this.
var xmlType = plan.Field{Name: "Content-Type", Value: "application/xml; charset=utf-8"}

var (
	errSyntax      = refuse(http.StatusBadRequest, "The body is malformed, or not the XML of RFC 4918.")
	errDepth       = refuse(http.StatusBadRequest, "This value of Depth is not allowed here.")
	errIf          = refuse(http.StatusBadRequest, "The field If is malformed.")
	errUnlocked    = refuse(http.StatusPreconditionFailed, "No condition of the field If holds.")
	errDestination = refuse(http.StatusBadRequest, "The field Destination is missing or malformed.")
	errOtherHost   = refuse(http.StatusBadGateway, "Destination is on another server. A proxy must pass on the field Host, or X-Forwarded-Host from an address that is trusted.")
	errHidden      = refuse(http.StatusForbidden, "No file of this name is served here, so none can be made.")
	errNoParent    = refuse(http.StatusConflict, "There is no directory to put this in.")
	errBody        = refuse(http.StatusRequestEntityTooLarge, "The body is larger than this server accepts.")
	errTop         = refuse(http.StatusForbidden, "The top directory cannot be moved, replaced or removed.")
)

// lockedRefusal returns the response to a change that a lock forbids. Only its own user learns whose it is.
func lockedRefusal(err *upload.LockedError) *refusal {
	reason := "Another user has locked this, until it is unlocked or its time has passed."
	if err.Own {
		reason = "Another program of your account has locked this, until it is unlocked or its time has passed."
	}
	return &refusal{status: http.StatusLocked, reason: reason, cause: err}
}

// readXML reads the body of a request of WebDAV.
func (ch *change) readXML() ([]byte, error) {
	if ch.r.Body == nil {
		return nil, nil
	}
	stall := ch.h.stallTimeout()
	if ch.conn != nil {
		stall = ch.conn.StallTimeout()
	}
	ch.setDeadline(stall)
	body, err := io.ReadAll(io.LimitReader(ch.r.Body, dav.MaxBody+1))
	switch {
	case len(body) > dav.MaxBody:
		err = errBody
	case err != nil:
		err = refuse(http.StatusBadRequest, "The body is malformed, or ended early.")
	default:
		ch.setDeadline(0)
		return body, nil
	}
	if ch.r.ProtoMajor == 1 {
		ch.w.Header().Set("Connection", "close") // the rest of the body may be on its way
	}
	return nil, err
}

// stat describes what has the name. It follows links. Hidden names do not exist.
func (ch *change) stat(name string) (fs.FileInfo, error) {
	if ch.hides(name) {
		return nil, fs.ErrNotExist
	}
	return ch.seen().Stat(name)
}

// seen returns the tree as the client sees it, and ch.tree is what it changes.
func (ch *change) seen() vfs.Tree { return ch.planner.Tree }

func (ch *change) hides(name string) bool { return ch.planner.Hides(name) }

// checkParent returns errNoParent unless the directory of name exists.
func (ch *change) checkParent(name string) error {
	info, err := ch.seen().Stat(path.Dir(name))
	switch {
	case errors.Is(err, fs.ErrNotExist) || vfs.IsInvalidPath(err) || err == nil && !info.IsDir():
		return errNoParent
	}
	return err
}

// mount returns the part of the path in the target of the request that a handler before this one has removed, decoded.
func (ch *change) mount() string {
	known, err := url.ParseRequestURI(ch.r.RequestURI)
	if err != nil {
		return ""
	}
	prefix, found := strings.CutSuffix(known.Path, ch.r.URL.Path)
	if !found {
		return ""
	}
	return strings.TrimSuffix(prefix, "/")
}

// href returns the path of name in URIs, encoded.
func (ch *change) href(name string, isDir bool) string {
	full := ch.mount() + name
	if isDir && !strings.HasSuffix(full, "/") {
		full += "/"
	}
	encoded := (&url.URL{Path: full}).EscapedPath()
	if strings.HasPrefix(encoded, "//") { // it would be the name of a host
		encoded = "/." + encoded
	}
	return encoded
}

// nameOf returns the name of the file that a URI of the client means.
func (ch *change) nameOf(uri string) (name string, err error) {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Opaque != "" || u.RawQuery != "" || u.User != nil || !strings.HasPrefix(u.Path, "/"):
		return "", errDestination
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https", u.Scheme != "" && u.Host == "":
		return "", errDestination
	case u.Host != "" && !ch.isHost(u.Host):
		return "", errOtherHost
	}
	mount := ch.mount()
	rest, found := strings.CutPrefix(u.Path, mount)
	if !found || rest != "" && rest[0] != '/' {
		return "", errOtherHost
	}
	return path.Clean("/" + rest), nil
}

// isHost reports whether the client calls this server so. Behind a proxy that is trusted, it may do so by the name that
// the proxy has.
func (ch *change) isHost(host string) bool {
	host = withoutPort(host)
	if strings.EqualFold(host, withoutPort(ch.r.Host)) {
		return true
	}
	if ch.server == nil || ch.conn == nil || !ch.server.trustsIP(live.AddrPortOf(ch.conn.RemoteAddr()).Addr()) {
		return false
	}
	names := listOf(ch.r.Header.Values("X-Forwarded-Host"))
	return len(names) > 0 && strings.EqualFold(host, withoutPort(names[len(names)-1]))
}

// withoutPort returns a host without the default port of HTTP or HTTPS: a proxy may speak the other one.
func withoutPort(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":443")
}

// checkIf evaluates the field If (RFC 4918, 10.4), and takes the tokens of locks from it.
func (ch *change) checkIf() error {
	lists, err := dav.ParseIf(strings.Join(ch.r.Header.Values("If"), " "))
	if err != nil {
		return errIf
	}
	holds := len(lists) == 0
	for _, list := range lists {
		name := ch.name
		if list.Tag != "" {
			if name, err = ch.nameOf(list.Tag); err != nil {
				continue // it is about nothing here
			}
		}
		all := true
		for _, c := range list.Conditions {
			if c.Token != "" && !c.Not {
				ch.tokens = append(ch.tokens, c.Token)
			}
			all = all && ch.holds(name, c)
		}
		holds = holds || all
	}
	if holds || ch.r.Method == "LOCK" { // which refreshes a lock, and says itself that there is none
		return nil
	}
	return errUnlocked
}

// holds reports whether a condition about name is true.
func (ch *change) holds(name string, c dav.Condition) bool {
	is := false
	switch {
	case c.Token != "":
		is = slices.ContainsFunc(uploads.LocksOn(ch.tree, name), func(l upload.Lock) bool { return l.Token == c.Token && l.Holder == ch.user })
	case !ch.hides(name):
		is = ch.planner.HasTag(ch.r.Context(), ch.request, name, c.ETag)
	}
	return is != c.Not
}

// mkcol makes a directory.
func (ch *change) mkcol() (status int, fields plan.Header, err error) {
	body, err := ch.readXML()
	switch {
	case err != nil:
		return 0, nil, err
	case len(body) > 0:
		return 0, nil, refuse(http.StatusUnsupportedMediaType, "MKCOL with a body is not supported: no kind of it is known here.")
	case ch.isHidden():
		return 0, nil, errHidden
	case !ch.h.rightsAt(ch.name).Has(Create):
		return 0, nil, ch.lacking(ch.name, "create")
	}
	if err := ch.checkKnown(ch.name); err != nil {
		return 0, nil, err
	}
	if _, err := ch.tree.Lstat(ch.name); err == nil {
		return 0, nil, refuse(http.StatusMethodNotAllowed, "There is something of this name already.")
	}
	if err := ch.checkParent(ch.name); err != nil {
		return 0, nil, err
	}
	err = uploads.Make(ch.writer(), ch.name, func(name string) error { return ch.tree.Mkdir(name, 0o755) })
	if errors.Is(err, fs.ErrExist) {
		err = refuse(http.StatusMethodNotAllowed, "There is something of this name already.")
	}
	return http.StatusCreated, nil, err
}
