package httpd

import (
	"errors"
	"fmt"
	"net/textproto"
	"path"
	"slices"
	"strings"
)

// Rule gives the responses for certain paths a line of header.
//
// A Pattern with a slash is matched against the whole path, element by
// element as by [path.Match]; the element ** stands for any number of elements,
// also none. A Pattern without a slash is matched against the last element:
// "*.js", "/assets/**", "/**/draft-?.txt". The path is the one that was asked
// for, not that of an index file, and the slash at the end of a directory does
// not count.
//
// Rules hold for responses that are no errors, so that no error is kept in a
// cache for a year. Of several rules for one Name the last wins, also over
// what the server would say itself; an empty Value takes the line away. A Rule
// that ParseRule would refuse has no effect.
type Rule struct {
	Pattern, Name, Value string
}

// ParseRule parses "PATTERN Name: value". It refuses fields that are not one's
// own to set, because they say where the message ends or which part of the
// file it is.
func ParseRule(s string) (Rule, error) {
	pattern, line, found := strings.Cut(strings.TrimLeft(s, " "), " ")
	name, value, colon := strings.Cut(line, ":")
	if !found || !colon {
		return Rule{}, errors.New(`a rule is "PATTERN Name: value"`)
	}
	return Rule{pattern, strings.Trim(name, " \t"), strings.Trim(value, " \t")}.checked()
}

// checked returns the rule with the name of its field in canonical form, or why it
// must not be heeded.
func (r Rule) checked() (Rule, error) {
	for element := range strings.SplitSeq(r.Pattern, "/") {
		if _, err := path.Match(element, ""); err != nil {
			return Rule{}, fmt.Errorf("pattern %q: %w", r.Pattern, err)
		}
	}
	if !isToken(r.Name) {
		return Rule{}, fmt.Errorf("%q is no name of a header field", r.Name)
	}
	r.Name = textproto.CanonicalMIMEHeaderKey(r.Name)
	if slices.Contains(ours, r.Name) {
		return Rule{}, fmt.Errorf("the field %s is the server's", r.Name)
	}
	if strings.ContainsFunc(r.Value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return Rule{}, fmt.Errorf("the value %q has control characters", r.Value)
	}
	return r, nil
}

// ours are the fields that no rule can set.
var ours = []string{
	"Accept-Ranges", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Date", "Etag",
	"Keep-Alive", "Last-Modified", "Location", "Repr-Digest", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
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

// matchElements goes back only to the last ** that it met, which is enough:
// whatever an earlier one could take, that one can too.
func matchElements(pattern, name []string) bool {
	p, n := 0, 0
	star, starred := -1, 0 // the last **, and what it has not yet taken
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

// finish adds to a header what does not depend on what was found: the lines of
// the rules and of CORS.
func (h *Handler) finish(a *ask, rep *reply) {
	h.once.Do(h.prepare)
	for _, r := range h.rules {
		switch {
		case rep.status >= 400 || !r.matches(a.path):
		case rep.status == 304 && strings.HasPrefix(r.Name, "Content-"): // of what the client has already
		case r.Name == "Vary" && r.Value != "":
			rep.header.vary(r.Value)
		default:
			rep.header.set(r.Name, r.Value)
		}
	}
	h.share(a, &rep.header)
}
