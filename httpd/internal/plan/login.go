package plan

import (
	"slices"
	"strings"
)

// AllowLogins says that users may log in, so that responses differ by user; and whether
// some may change files, so that guests who want to are asked for a password. It is
// called before the first request.
func (p *Planner) AllowLogins(toChange bool) {
	p.logins.Store(true)
	p.loginsToChange.Store(toChange)
}

// AsksLoginToChange reports whether a request with a method that changes files is one of
// a guest, which a user may be allowed to make.
func (p *Planner) AsksLoginToChange(method string) bool {
	return p.asksLoginForDAV(method) ||
		slices.Contains([]string{"PUT", "POST", "PATCH", "DELETE"}, method) && p.loginsToChange.Load() && !p.Private
}

// loginWord is the word in the query of a directory by which a guest is asked for a
// password.
const loginWord = "login"

// findLogin plans the response to a request that asks for a login, or that nobody but
// users may make. It reports whether the request is one of these. Whether the path
// exists does not matter, so that nothing is learned about it.
func (pl *Plan) findLogin() bool {
	p, r := pl.planner, &pl.request
	wantsLogin, wantsLogout := false, false
	if r.Query != "" && strings.HasSuffix(r.Path, "/") && !r.isSlashEncoded() {
		wantsLogin, wantsLogout = hasWord(r.Query, loginWord), hasWord(r.Query, logoutWord)
	}
	switch {
	case r.BySession && wantsLogout:
		pl.kind = asksLogout
	case p.Private && wantsLogin:
		pl.kind = loggedIn
	case !p.Private && (wantsLogin || p.Files == nil):
		pl.AsksLogin = true
		pl.kind, pl.status = failed, statusUnauthorized
	default:
		return false
	}
	return true
}

// redirectWithoutQuery sends a user who has logged in to the directory itself.
func redirectWithoutQuery(r *Request) Response {
	resp := failure(r, statusSeeOther)
	resp.Header.add("Location", "./")
	return resp
}

// Refusal is a response to a request that is refused for the login of its client, or that
// logs it in or out.
type Refusal struct {
	Status int
	Reason string // plain text for the client: what is wrong, and what to do

	// Challenge is the value of WWW-Authenticate, RetryAfter that of Retry-After, and
	// Location that of Location; "": no such field.
	Challenge, RetryAfter, Location string

	Page LoginPage
}

// Refuse makes the response of a Refusal. The caller sends the Response and releases
// it.
func (p *Planner) Refuse(r *Request, f Refusal) Response {
	resp := explain(r, f.Status, f.Reason)
	if f.Page != NoLoginPage {
		resp = loginPage(r, &f)
	}
	if f.Challenge != "" {
		resp.Header.set("Www-Authenticate", f.Challenge)
	}
	if f.RetryAfter != "" {
		resp.Header.set("Retry-After", f.RetryAfter)
	}
	if f.Location != "" {
		resp.Header.set("Location", f.Location)
	}
	p.finish(r, &resp)
	resp.Header.set("Cache-Control", "no-store")
	return resp
}

// addLogins adds the fields by which caches keep the responses to users apart, and by which
// browsers show them in no page of another origin, unless a rule says otherwise. The former
// overrule those of the rules.
func (p *Planner) addLogins(fields *Header) {
	if !p.logins.Load() {
		return
	}
	fields.vary("Authorization, Cookie")
	if !p.Private {
		return
	}
	kept := (*fields)[:0:0]
	directives := []string{"private"}
	for _, f := range *fields {
		switch {
		case f.Name == "Cache-Control":
			directives = append(directives, privateDirectives(f.Value)...)
		case isForSharedCaches(f.Name):
		default:
			kept = append(kept, f)
		}
	}
	*fields = append(kept, Field{"Cache-Control", strings.Join(directives, ", ")})
	if !slices.ContainsFunc(*fields, func(f Field) bool { return f.Name == resourcePolicy }) {
		*fields = append(*fields, Field{resourcePolicy, "same-origin"})
	}
}

// resourcePolicy is the field of the Fetch standard without which a browser that knows a
// password sends it for an image or a script in a page of another origin, and shows the
// response there.
const resourcePolicy = "Cross-Origin-Resource-Policy"

// privateDirectives returns the directives of a value of Cache-Control that mean
// something next to private (RFC 9111, 5.2.2).
func privateDirectives(value string) (kept []string) {
	for directive := range strings.SplitSeq(value, ",") {
		directive = strings.TrimSpace(directive)
		name, _, _ := strings.Cut(strings.ToLower(directive), "=")
		switch strings.TrimSpace(name) {
		case "", "public", "private", "s-maxage", "proxy-revalidate":
		default:
			kept = append(kept, directive)
		}
	}
	return kept
}

// isForSharedCaches reports whether a field makes a cache in front of the server, such
// as nginx or a content delivery network, keep a response whatever Cache-Control
// says.
func isForSharedCaches(name string) bool {
	switch name {
	case "Surrogate-Control", "X-Accel-Expires", "Edge-Control":
		return true
	}
	return strings.HasSuffix(name, "-Cache-Control") // RFC 9213
}
