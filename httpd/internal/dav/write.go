package dav

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// inner returns the content of an element as XML that declares all its namespaces.
func (e *element) inner() string {
	var b strings.Builder
	e.writeInner(&b)
	return b.String()
}

func (e *element) writeInner(b *strings.Builder) {
	for _, n := range e.content {
		if n.child == nil {
			escape(b, n.text)
		} else {
			n.child.write(b)
		}
	}
}

func (e *element) write(b *strings.Builder) {
	b.WriteString("<" + e.name.Local + ` xmlns="`)
	escape(b, e.name.Space)
	b.WriteString(`"`)
	for i, a := range e.attrs {
		switch a.Name.Space {
		case "":
			b.WriteString(" " + a.Name.Local)
		case "xml", xmlSpace:
			b.WriteString(" xml:" + a.Name.Local)
		default:
			prefix := "a" + strconv.Itoa(i)
			b.WriteString(" xmlns:" + prefix + `="`)
			escape(b, a.Name.Space)
			b.WriteString(`" ` + prefix + ":" + a.Name.Local)
		}
		b.WriteString(`="`)
		escape(b, a.Value)
		b.WriteString(`"`)
	}
	b.WriteString(">")
	e.writeInner(b)
	b.WriteString("</" + e.name.Local + ">")
}

// escape writes text as XML, with U+FFFD in place of what XML cannot have.
func escape(b *strings.Builder, text string) { _ = xml.EscapeText(b, []byte(text)) } // a Builder never fails

// Escape returns text as XML.
func Escape(text string) string {
	var b strings.Builder
	escape(&b, text)
	return b.String()
}

// head begins each document. Explorer wants the prefix D.
const head = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

// Multistatus writes the responses about several resources (RFC 4918, 13), one after another.
type Multistatus struct {
	w   io.Writer
	buf strings.Builder
	err error
}

// NewMultistatus begins a document. The caller calls Close.
func NewMultistatus(w io.Writer) *Multistatus {
	m := &Multistatus{w: w}
	m.buf.WriteString(head + `<D:multistatus xmlns:D="DAV:">` + "\n")
	return m
}

// buffered is how much of a document is written at once.
const buffered = 32 << 10

func (m *Multistatus) flush(atLeast int) error {
	if m.err == nil && m.buf.Len() >= atLeast {
		_, m.err = io.WriteString(m.w, m.buf.String())
		m.buf.Reset()
	}
	return m.err
}

// Result is a status with the properties that have it.
type Result struct {
	Status string // with its phrase: "200 OK"
	Props  []Property
	Error  string // XML of the condition that failed; "": none
	Reason string // a text for people; "": none
}

// Properties adds a response about the properties of href, which is encoded as in a URI.
func (m *Multistatus) Properties(href string, results ...Result) error {
	b := &m.buf
	b.WriteString("<D:response><D:href>")
	escape(b, href)
	b.WriteString("</D:href>")
	for _, r := range results {
		b.WriteString("<D:propstat><D:prop>")
		for _, p := range r.Props {
			p.write(b)
		}
		b.WriteString("</D:prop><D:status>HTTP/1.1 " + r.Status + "</D:status>")
		if r.Error != "" {
			b.WriteString("<D:error>" + r.Error + "</D:error>")
		}
		if r.Reason != "" {
			b.WriteString("<D:responsedescription>" + Escape(r.Reason) + "</D:responsedescription>")
		}
		b.WriteString("</D:propstat>")
	}
	b.WriteString("</D:response>\n")
	return m.flush(buffered)
}

func (p *Property) write(b *strings.Builder) {
	name := "D:" + p.Local
	declaration := ""
	if p.Space != Space {
		name, declaration = p.Local, ` xmlns="`+Escape(p.Space)+`"`
	}
	b.WriteString("<" + name + declaration)
	if p.Lang != "" {
		b.WriteString(` xml:lang="` + Escape(p.Lang) + `"`)
	}
	if p.Value == "" {
		b.WriteString("/>")
		return
	}
	b.WriteString(">" + p.Value + "</" + name + ">")
}

// Failure adds a response about href with a status and a reason.
func (m *Multistatus) Failure(href, status, reason string) error {
	m.buf.WriteString("<D:response><D:href>" + Escape(href) + "</D:href><D:status>HTTP/1.1 " + status + "</D:status>" +
		"<D:responsedescription>" + Escape(reason) + "</D:responsedescription></D:response>\n")
	return m.flush(buffered)
}

// Close ends the document.
func (m *Multistatus) Close() error {
	m.buf.WriteString("</D:multistatus>\n")
	return m.flush(0)
}

// ErrorBody returns the body of a response about a condition that failed (RFC 4918, 16).
func ErrorBody(condition string) string {
	return head + `<D:error xmlns:D="DAV:"><D:` + condition + `/></D:error>` + "\n"
}

// LockBody returns the body of a response to LOCK.
func LockBody(discovery string) string {
	return head + `<D:prop xmlns:D="DAV:"><D:lockdiscovery>` + discovery + "</D:lockdiscovery></D:prop>\n"
}

// ActiveLock describes a lock.
type ActiveLock struct {
	Shared, Infinite bool
	Owner            string        // as text
	Timeout          time.Duration // that is left
	Token            string        // "": it is not shown
	Href             string        // of the file that is locked, encoded; "": it is not shown
}

// XML returns the element activelock (RFC 4918, 14.1), with the prefix D.
func (l *ActiveLock) XML() string {
	var b strings.Builder
	scope, depth := "exclusive", "0"
	if l.Shared {
		scope = "shared"
	}
	if l.Infinite {
		depth = "infinity"
	}
	fmt.Fprintf(&b, "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:%s/></D:lockscope><D:depth>%s</D:depth>", scope, depth)
	if l.Owner != "" {
		b.WriteString("<D:owner>" + Escape(l.Owner) + "</D:owner>")
	}
	fmt.Fprintf(&b, "<D:timeout>Second-%d</D:timeout>", max(int(l.Timeout.Seconds()), 1))
	if l.Token != "" {
		b.WriteString("<D:locktoken><D:href>" + Escape(l.Token) + "</D:href></D:locktoken>")
	}
	if l.Href != "" {
		b.WriteString("<D:lockroot><D:href>" + Escape(l.Href) + "</D:href></D:lockroot>")
	}
	b.WriteString("</D:activelock>")
	return b.String()
}

// SupportedLock is the value of the property supportedlock.
const SupportedLock = `<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>` +
	`<D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`
