package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Rule adds a line to the header of the responses for certain paths. It is documented
// as httpd.Rule.
type Rule struct {
	Pattern, Name, Value string
}

// ParseRule parses "PATTERN Name: value". It refuses fields that only the server
// can set, because they say where the message ends or which part of the file it is.
func ParseRule(s string) (Rule, error) {
	pattern, line, found := strings.Cut(strings.TrimLeft(s, " "), " ")
	name, value, colon := strings.Cut(line, ":")
	if !found || !colon {
		return Rule{}, errors.New(`a rule is "PATTERN Name: value"`)
	}
	return Rule{pattern, strings.Trim(name, " \t"), strings.Trim(value, " \t")}.checked()
}

// checked returns the rule with the name of its field in canonical form, or an
// error that says why the rule is invalid.
func (r Rule) checked() (Rule, error) {
	for element := range strings.SplitSeq(r.Pattern, "/") {
		if _, err := path.Match(element, ""); err != nil {
			return Rule{}, fmt.Errorf("pattern %q: %w", r.Pattern, err)
		}
	}
	if !isToken(r.Name) {
		return Rule{}, fmt.Errorf("%q is not a valid name of a header field", r.Name)
	}
	r.Name = canonicalName(r.Name)
	if slices.Contains(reserved, r.Name) {
		return Rule{}, fmt.Errorf("the field %s is the server's", r.Name)
	}
	if strings.ContainsFunc(r.Value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return Rule{}, fmt.Errorf("the value %q has control characters", r.Value)
	}
	return r, nil
}

// reserved are the fields that no rule can set.
var reserved = []string{
	"Accept-Ranges", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Date", "Etag",
	"Keep-Alive", "Last-Modified", "Location", "Repr-Digest", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// canonicalName returns a token as package net/http writes names of fields: each
// word between hyphens begins with a capital.
func canonicalName(token string) string {
	name := []byte(strings.ToLower(token))
	for i, c := range name {
		if (i == 0 || name[i-1] == '-') && 'a' <= c && c <= 'z' {
			name[i] -= 'a' - 'A'
		}
	}
	return string(name)
}

// isToken reports whether s is a token (RFC 9110, 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

// matches reports whether the rule holds for a path.
func (r Rule) matches(urlPath string) bool {
	urlPath = path.Clean(urlPath)
	if !strings.Contains(r.Pattern, "/") {
		ok, _ := path.Match(r.Pattern, strings.TrimPrefix(path.Base(urlPath), "/"))
		return ok
	}
	return matchElements(elements(r.Pattern), elements(urlPath))
}

func elements(p string) []string {
	if p = strings.Trim(p, "/"); p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

// matchElements goes back only to the last ** that it met. That is enough: this
// one can stand for every element that an earlier one could stand for.
func matchElements(pattern, name []string) bool {
	p, n := 0, 0
	star, starred := -1, 0 // the last **, and the first name that it does not stand for yet
	for n < len(name) {
		if p < len(pattern) && pattern[p] == "**" {
			star, starred = p, n
			p++
			continue
		}
		if p < len(pattern) {
			if ok, _ := path.Match(pattern[p], name[n]); ok {
				p++
				n++
				continue
			}
		}
		if star < 0 {
			return false
		}
		starred++
		p, n = star+1, starred
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

// holdsFor reports whether the rule holds for a response: by the path of the request, or the name of the file that is sent
// for a directory. A file that is sent where nothing exists has only its own name. How long a copy may be kept is
// said of files: for a listing, an archive or a redirect only a pattern that ends in a slash says it.
func (r Rule) holdsFor(req *Request, resp *Response) bool {
	switch {
	case resp.Status >= 400:
		return false
	case resp.Status == statusNotModified && strings.HasPrefix(r.Name, "Content-"): // the client has these
		return false
	case resp.isFile && resp.isFallback:
		return r.matches(resp.name)
	case !resp.isFile && (r.Name == "Cache-Control" || r.Name == "Expires") && !strings.HasSuffix(r.Pattern, "/"):
		return false
	}
	return r.matches(req.Path) || resp.isFile && resp.name != req.Path && r.matches(resp.name)
}

// finish adds to a header the fields that do not depend on the resource: those of
// the rules, of logins and of CORS.
func (p *Planner) finish(r *Request, resp *Response) {
	for _, rule := range p.Rules {
		switch {
		case !rule.holdsFor(r, resp):
		case rule.Name == "Vary" && rule.Value != "":
			resp.Header.vary(rule.Value)
		default:
			resp.Header.set(rule.Name, rule.Value)
		}
	}
	p.addLogins(&resp.Header)
	p.addCORS(r, &resp.Header)
}
