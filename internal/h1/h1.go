// Package h1 parses the heads of simple HTTP/1.x requests.
//
//	var h h1.Head
//	n, verdict := h1.Parse(in, &h)
//	switch verdict {
//	case h1.Incomplete: // read more, parse again from the start
//	case h1.Simple:     // h is filled, in[n:] is the next request
//	case h1.Other:      // for a complete parser, from in[0] on
//	case h1.Conflict:   // 400, and close
//	}
//
// It does not parse everything that HTTP allows, and never decides a doubtful case:
// Simple is a GET or HEAD without a body that has no unusual fields and is valid to
// the letter of RFC 9112 and RFC 9110. A request that is Simple means the same to
// net/http; a fuzz test compares.
//
// Empty lines before a request are skipped, and count as a part of its head (RFC 9112, 2.2). net/http refuses them.
//
// Parse allocates and copies nothing: the strings of a Head are parts of the input.
package h1

import (
	"strings"
	"unsafe"
)

// MaxSize is the length of the longest head that is Simple. Longer ones are Other.
const MaxSize = 16 << 10

// Verdict is the result of Parse.
type Verdict uint8

// The verdicts.
const (
	Incomplete Verdict = iota // the head has no end yet, and is valid so far
	Simple                    // parsed
	Other                     // not parsed: unusual, malformed or too long
	Conflict                  // complete, with both Content-Length and Transfer-Encoding (RFC 9112, 6.3)
)

// Head is the head of a request. A field that is absent or empty is "".
type Head struct {
	Head   bool   // the method is HEAD; else GET
	Minor  byte   // of the version: 0 or 1
	Close  bool   // the connection ends with the response (RFC 9112, 9.3)
	Target string // origin-form: begins with a slash
	Path   string // of Target, percent-encoded, each escape valid; see AppendPath
	Query  string // of Target, without the question mark
	Host   string // never "" in HTTP/1.1

	HasAuthorization bool // there is a field Authorization, possibly empty

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
	Referer           string
	UserAgent         string
	Forwarded         string
	ForwardedFor      string // X-Forwarded-For
	Cookie            string
}

// Detach makes the strings of h parts of a copy of in, which Parse was given, so
// that they stay valid when the memory of in is used for other bytes. It returns the
// copy.
func (h *Head) Detach(in string) string {
	begin := uintptr(unsafe.Pointer(unsafe.StringData(in)))
	kept := strings.Clone(in)
	for _, s := range [...]*string{
		&h.Target, &h.Path, &h.Query, &h.Host,
		&h.Accept, &h.AcceptEncoding, &h.IfMatch, &h.IfNoneMatch, &h.IfModifiedSince, &h.IfUnmodifiedSince, &h.IfRange, &h.Range,
		&h.WantReprDigest, &h.Origin, &h.Referer, &h.UserAgent, &h.Forwarded, &h.ForwardedFor, &h.Cookie,
	} {
		if *s != "" {
			at := uintptr(unsafe.Pointer(unsafe.StringData(*s))) - begin
			*s = kept[at : at+uintptr(len(*s))]
		}
	}
	return kept
}

// Parse parses the head at the beginning of in. If it is Simple or Conflict, n is its
// length. h is filled if it is Simple, and undefined otherwise.
func Parse(in string, h *Head) (n int, v Verdict) {
	*h = Head{}
	p := parser{in: in[:min(len(in), MaxSize)], head: h}
	switch v = p.parse(); v {
	case Simple, Conflict:
		return p.pos, v
	case Incomplete:
		if len(in) >= MaxSize {
			return 0, Other
		}
	}
	return 0, v
}

// AppendPath decodes the Path of a Head, and appends it to dst.
func AppendPath(dst []byte, path string) []byte {
	for {
		i := strings.IndexByte(path, '%')
		if i < 0 {
			return append(dst, path...)
		}
		dst = append(append(dst, path[:i]...), unhex[path[i+1]]<<4|unhex[path[i+2]])
		path = path[i+3:]
	}
}
