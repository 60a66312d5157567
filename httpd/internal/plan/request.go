package plan

import (
	"net/netip"
	"net/url"
	"strings"

	"sluice/internal/budget"
	"sluice/internal/vfs"
)

// Request is the part of a request that decides the response.
type Request struct {
	Method string
	Path   string // decoded; begins with a slash
	Query  string // as the client sent it, without the question mark

	// URI is the target of the request as the client sent it, or "" if it is not
	// known. Its path differs from Path where a handler has removed a prefix.
	URI string

	// Header fields. Several lines of one name are joined by ", "; "" is absent.
	Accept            string
	AcceptEncoding    string
	IfMatch           string
	IfNoneMatch       string
	IfModifiedSince   string
	IfUnmodifiedSince string
	IfRange           string
	Range             string
	WantReprDigest    string
	Origin            string

	// User is who has logged in; "": nobody. BySession means that it was by a login page,
	// so that the user can log out.
	User      string
	BySession bool

	// Client is who has sent the request, see account.NetworkOf; not valid: not known.
	Client netip.Addr

	// Waits gets what the response waits for; nil: nothing does.
	Waits *budget.Tally
}

// party returns for whom the response takes what clients share.
func (r *Request) party() budget.Party {
	return budget.Party{Client: r.Client, Account: r.User, Waits: r.Waits}
}

// partyAt is party for a response that reads the directory at name.
func (p *Planner) partyAt(r *Request, name string) budget.Party {
	party := r.party()
	party.Mount = vfs.MountOf(p.Tree, name).Point()
	return party
}

func (r *Request) isHead() bool { return r.Method == "HEAD" }

// isConditional reports whether a header field of the request may make the
// response another than the whole file.
func (r *Request) isConditional() bool {
	return r.IfMatch != "" || r.IfNoneMatch != "" || r.IfModifiedSince != "" || r.IfUnmodifiedSince != "" || r.Range != ""
}

// isSlashEncoded reports whether the slash at the end of the path was encoded. A
// browser takes such a slash for a part of the last name, so that the links of a
// page that stands for a directory would lead elsewhere.
func (r *Request) isSlashEncoded() bool {
	path, _, _ := strings.Cut(r.URI, "?")
	const slash = "%2F"
	return len(path) > len(slash) && strings.EqualFold(path[len(path)-len(slash):], slash)
}

// EncodedPath returns the path in the target of a request, encoded as the client
// sent it. Browsers resolve links against it. It is "" if the target has none.
func EncodedPath(uri string) string {
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}
