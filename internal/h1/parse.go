package h1

import "strings"

// parser is the state of one Parse.
type parser struct {
	in   string
	pos  int
	head *Head

	other bool  // the head is not Simple, though so far well formed
	seen  field // so far
}

// parse stops at the first error. It reads a head that is only unusual to its end,
// because a Conflict must not be missed.
func (p *parser) parse() Verdict {
	for strings.HasPrefix(p.in[p.pos:], "\r\n") { // RFC 9112, 2.2
		p.pos += 2
	}
	if p.in[p.pos:] == "\r" {
		return Incomplete
	}
	if v := p.requestLine(); v != Simple {
		return v
	}
	for {
		rest := p.in[p.pos:]
		switch {
		case len(rest) == 0:
			return Incomplete
		case rest[0] != '\r':
			if v := p.fieldLine(); v != Simple {
				return v
			}
		case len(rest) == 1:
			return Incomplete
		case rest[1] != '\n':
			return Other
		default:
			p.pos += 2
			return p.verdict()
		}
	}
}

// verdict returns the verdict on a complete head.
func (p *parser) verdict() Verdict {
	h := p.head
	switch {
	case p.seen&contentLength != 0 && p.seen&transferEncoding != 0:
		return Conflict
	case p.other, h.Host == "" && h.Minor == 1:
		return Other
	}
	if h.Minor == 0 && p.seen&connection == 0 {
		h.Close = true
	}
	return Simple
}

// requestLine parses "GET /target HTTP/1.1\r\n".
func (p *parser) requestLine() Verdict {
	in, h := p.in, p.head
	i := p.pos
	for ; ; i++ {
		if i == len(in) {
			return Incomplete
		}
		if !is(in[i], token) {
			break
		}
	}
	if i == p.pos || in[i] != ' ' {
		return Other
	}
	switch in[p.pos:i] {
	case "GET":
	case "HEAD":
		h.Head = true
	default:
		p.other = true
	}
	i++

	start, query := i, -1
	for ; i < len(in) && is(in[i], target); i++ {
		switch in[i] {
		case '?':
			if query < 0 {
				query = i
			}
		case '%':
			// An escape at the end of the buffer is tested when more bytes have come.
			if query < 0 && i+2 < len(in) && (!is(in[i+1], hex) || !is(in[i+2], hex)) {
				return Other
			}
		}
	}
	if i == len(in) {
		return Incomplete
	}
	if i == start || in[i] != ' ' {
		return Other
	}
	if in[start] != '/' {
		p.other = true // "*", or the absolute-form
	}
	h.Target, h.Path = in[start:i], in[start:i]
	if query >= 0 {
		h.Path, h.Query = in[start:query], in[query+1:i]
	}
	// As a blank follows the target, its last escape was tested.
	i++

	const http10, http11 = "HTTP/1.0\r\n", "HTTP/1.1\r\n"
	version := in[i:min(i+len(http11), len(in))]
	switch {
	case version == http11:
		h.Minor = 1
	case version == http10:
	case strings.HasPrefix(http11, version), strings.HasPrefix(http10, version):
		return Incomplete
	default:
		return Other
	}
	p.pos = i + len(version)
	return Simple
}

// fieldLine parses "Name: value\r\n".
func (p *parser) fieldLine() Verdict {
	in := p.in
	i := p.pos
	for i < len(in) && is(in[i], token) {
		i++
	}
	if i == len(in) {
		return Incomplete
	}
	if i == p.pos || in[i] != ':' { // also a folded line, and a blank before the colon
		return Other
	}
	name := in[p.pos:i]
	i++
	for i < len(in) && isBlank(in[i]) {
		i++
	}
	start := i
	i = valueEnd(in, i)
	if i == len(in) {
		return Incomplete
	}
	if in[i] != '\r' {
		return Other
	}
	if i+1 == len(in) {
		return Incomplete
	}
	if in[i+1] != '\n' {
		return Other
	}
	p.pos = i + 2
	for i > start && isBlank(in[i-1]) {
		i--
	}
	p.take(name, in[start:i])
	return Simple
}

// field is a set of the fields that a Simple head has at most once. RFC 9110 allows
// some of them more often, but clients hardly ever send them so.
type field uint32

const (
	hostField field = 1 << iota
	accept
	acceptEncoding
	ifMatch
	ifNoneMatch
	ifModifiedSince
	ifUnmodifiedSince
	ifRange
	byteRange
	wantReprDigest
	origin
	referer
	userAgent
	forwarded
	forwardedFor
	cookie
	connection
	contentLength
	transferEncoding
)

// take keeps a field that matters. Most do not: their length shows that.
func (p *parser) take(name, value string) {
	h := p.head
	switch len(name) {
	case 4:
		if isName(name, "host") {
			p.keep(hostField, &h.Host, value)
			p.other = p.other || !isHost(value)
		}
	case 5:
		if isName(name, "range") {
			p.keep(byteRange, &h.Range, value)
		}
	case 6:
		switch {
		case isName(name, "accept"):
			p.keep(accept, &h.Accept, value)
		case isName(name, "origin"):
			p.keep(origin, &h.Origin, value)
		case isName(name, "cookie"):
			p.keep(cookie, &h.Cookie, value)
		case isName(name, "expect"):
			p.other = true
		}
	case 7:
		switch {
		case isName(name, "referer"):
			p.keep(referer, &h.Referer, value)
		case isName(name, "upgrade"), isName(name, "trailer"):
			p.other = true
		}
	case 8:
		switch {
		case isName(name, "if-match"):
			p.keepNonempty(ifMatch, &h.IfMatch, value)
		case isName(name, "if-range"):
			p.keepNonempty(ifRange, &h.IfRange, value)
		}
	case 9:
		if isName(name, "forwarded") {
			p.keep(forwarded, &h.Forwarded, value)
		}
	case 10:
		switch {
		case isName(name, "user-agent"):
			p.keep(userAgent, &h.UserAgent, value)
		case isName(name, "connection"):
			p.note(connection)
			p.takeConnection(value)
		}
	case 13:
		switch {
		case isName(name, "if-none-match"):
			p.keep(ifNoneMatch, &h.IfNoneMatch, value)
		case isName(name, "authorization"):
			h.HasAuthorization = true
		}
	case 14:
		switch {
		case isName(name, "content-length"):
			p.note(contentLength)
			p.other = p.other || value != "0"
		case isName(name, "http2-settings"):
			p.other = true
		}
	case 15:
		switch {
		case isName(name, "accept-encoding"):
			p.keep(acceptEncoding, &h.AcceptEncoding, value)
		case isName(name, "x-forwarded-for"):
			p.keep(forwardedFor, &h.ForwardedFor, value)
		}
	case 16:
		if isName(name, "want-repr-digest") {
			p.keep(wantReprDigest, &h.WantReprDigest, value)
		}
	case 17:
		switch {
		case isName(name, "if-modified-since"):
			p.keep(ifModifiedSince, &h.IfModifiedSince, value)
		case isName(name, "transfer-encoding"):
			p.note(transferEncoding)
			p.other = true
		}
	case 19:
		if isName(name, "if-unmodified-since") {
			p.keep(ifUnmodifiedSince, &h.IfUnmodifiedSince, value)
		}
	}
}

func (p *parser) keep(f field, to *string, value string) {
	p.note(f)
	*to = value
}

// keepNonempty is keep for a condition that never holds if it is empty, and always if it is absent.
func (p *parser) keepNonempty(f field, to *string, value string) {
	p.keep(f, to, value)
	p.other = p.other || value == ""
}

// note remembers that f was there. A head with a second one is Other.
func (p *parser) note(f field) {
	p.other = p.other || p.seen&f != 0
	p.seen |= f
}

// takeConnection parses the value of Connection, if it is close or keep-alive.
func (p *parser) takeConnection(value string) {
	switch {
	case len(value) == len("close") && isName(value, "close"):
		p.head.Close = true
	case len(value) == len("keep-alive") && isName(value, "keep-alive"):
	default:
		p.other = true
	}
}

// isHost reports whether the value of Host is valid, and is what hosts are called in practice.
func isHost(value string) bool {
	for i := range len(value) {
		if !is(value[i], host) {
			return ValidHost(value)
		}
	}
	return len(value) > 0
}

// isName reports whether name is equal to lower, except for the case of letters. Both
// have the same length, lower has no capitals, and name has no control characters,
// some of which would be taken for others.
func isName(name, lower string) bool {
	for i := range len(name) {
		if name[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}
