package httpd

import (
	"context"
	"io"
	"slices"
	"strings"

	"sluice/internal/archive"
	"sluice/sendfile"
)

// ask is what of a request decides the response. Each lane makes one from
// what it has parsed; the plan reads it and nothing else.
type ask struct {
	head  bool   // HEAD: the response to GET without its body
	path  string // decoded, as the client wrote it otherwise; begins with a slash
	query string // as the client wrote it, without the question mark

	// uri is the target of the request, as the client wrote it. Its path is another
	// than path where a handler before this one has taken away a prefix. "": it is
	// not known.
	uri string

	// Header fields. Lines of one name are joined by ", "; "" is absent.
	accept            string
	acceptEncoding    string
	ifMatch           string
	ifNoneMatch       string
	ifModifiedSince   string
	ifUnmodifiedSince string
	ifRange           string
	rng               string // Range
	wantReprDigest    string
	origin            string

	// handsOver means that who asks does not send streams, and lets another ask
	// again for what would be one: it need not be made.
	handsOver bool
}

// conditional reports whether a header field of the request may make the
// response another than the whole file.
func (a *ask) conditional() bool {
	return a.ifMatch != "" || a.ifNoneMatch != "" || a.ifModifiedSince != "" || a.ifUnmodifiedSince != "" || a.rng != ""
}

// isSlashEncoded reports whether the slash at the end of the path was encoded: for
// a browser it is a part of the last name, and so the links of a page that stands
// for a directory would lead elsewhere.
func (a *ask) isSlashEncoded() bool {
	path, _, _ := strings.Cut(a.uri, "?")
	const slash = "%2F"
	return len(path) > len(slash) && strings.EqualFold(path[len(path)-len(slash):], slash)
}

// lengthy reports whether the answer may take as long as it takes to read
// files, or to look at very many: so long that the client may be gone before
// it begins. It is better made where somebody watches for that.
func (a *ask) lengthy() bool {
	if a.wantReprDigest != "" {
		return true
	}
	if a.query == "" {
		return false
	}
	return slices.ContainsFunc(checksums, func(k checksumKind) bool { return strings.Contains(a.query, k.word) }) ||
		slices.ContainsFunc(archives, func(k archiveKind) bool { return strings.Contains(a.query, k.word) })
}

// reply is a response before it is written: what the plan decides and a lane
// sends.
type reply struct {
	status int
	header header // without Content-Length and what is the lane's: Date, Connection
	body   body   // also of a HEAD, whose lane sends only its length

	// stream, if not nil, stands for a body whose length nobody knows before
	// its end. It writes until it is done or w fails.
	stream func(ctx context.Context, w io.Writer) error

	// done, if not nil, gives back what the body holds. Each reply needs a
	// release when it has been sent.
	done func()
}

func (r *reply) release() {
	if r.done != nil {
		r.done()
	}
}

// hasLength reports whether the response carries a Content-Length. Those that
// never have a body do not (RFC 9110, 8.6), nor has one that is streamed.
func (r *reply) hasLength() bool {
	return r.stream == nil && r.status != 204 && r.status != 304
}

// header holds the lines of a header, in order.
type header []field

// field is a line of a header, its name in canonical form.
type field struct{ name, value string }

func (h *header) add(name, value string) { *h = append(*h, field{name, value}) }

// set makes the line the only one of its name; an empty value takes all away.
func (h *header) set(name, value string) {
	kept := (*h)[:0:0]
	for _, f := range *h {
		if f.name != name {
			kept = append(kept, f)
		}
	}
	if value != "" {
		kept = append(kept, field{name, value})
	}
	*h = kept
}

// get returns the value of the first line of the name, or "".
func (h header) get(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// vary adds a field of requests to those that the response depends on.
func (h *header) vary(name string) {
	for i, f := range *h {
		if f.name == "Vary" {
			(*h)[i].value += ", " + name
			return
		}
	}
	h.add("Vary", name)
}

// body is what a response carries, in order.
type body []piece

// piece is n bytes from off on of one of four sources.
type piece struct {
	off, n int64

	data []byte                                    // there already, or all of file
	file archive.File                              // open, and not the piece's to close
	open func() (archive.File, error)              // opened when its turn comes, and closed after
	make func(ctx context.Context) ([]byte, error) // made when its turn comes; always of the same length
}

// method is that of what is there already: Copy if it is a file's.
func (p *piece) method() sendfile.Method {
	if p.file != nil {
		return sendfile.Copy
	}
	return sendfile.Auto
}

// text is a piece of what is there already.
func text[T string | []byte](s T) piece { return piece{n: int64(len(s)), data: []byte(s)} }

// size returns the length of the body.
func (b body) size() int64 {
	var n int64
	for _, p := range b {
		n += p.n
	}
	return n
}

// cut returns n bytes of the body from off on, which must lie inside. It
// shares the sources.
func (b body) cut(off, n int64) body {
	var part body
	for _, p := range b {
		if n == 0 {
			break
		}
		if off >= p.n {
			off -= p.n
			continue
		}
		p.off += off
		p.n = min(p.n-off, n)
		off, n = 0, n-p.n
		part = append(part, p)
	}
	return part
}
