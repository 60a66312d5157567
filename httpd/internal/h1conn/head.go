package h1conn

import (
	"strconv"
	"sync/atomic"
	"time"

	"sluice/httpd/internal/plan"
	"sluice/internal/h1"
)

// setRequest sets the part of a head that decides the response. It is valid as long as
// the strings of the head, and path, are.
func setRequest(r *plan.Request, head *h1.Head, path string) {
	*r = plan.Request{
		Method: methodOf(head),
		Path:   path,
		Query:  head.Query,
		URI:    head.Target,

		Accept:            head.Accept,
		AcceptEncoding:    head.AcceptEncoding,
		IfMatch:           head.IfMatch,
		IfNoneMatch:       head.IfNoneMatch,
		IfModifiedSince:   head.IfModifiedSince,
		IfUnmodifiedSince: head.IfUnmodifiedSince,
		IfRange:           head.IfRange,
		Range:             head.Range,
		WantReprDigest:    head.WantReprDigest,
		Origin:            head.Origin,
	}
}

// ValidHost is h1.ValidHost.
func ValidHost(s string) bool { return h1.ValidHost(s) }

func methodOf(head *h1.Head) string {
	if head.Head {
		return "HEAD"
	}
	return "GET"
}

// beginHead adds to out the part of a head that the plan decides.
func (m *Machine) beginHead(resp *plan.Response) {
	out := m.out
	out = append(out, "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(resp.Status), 10)
	out = append(out, ' ')
	out = append(out, plan.StatusText(resp.Status)...)
	out = append(out, "\r\n"...)
	for _, f := range resp.Header {
		out = appendField(out, f.Name, f.Value)
	}
	if resp.HasLength() {
		out = append(out, "Content-Length: "...)
		out = strconv.AppendInt(out, resp.Body.Size(), 10)
		out = append(out, "\r\n"...)
	}
	m.out = out
}

// appendField appends a line. Characters that would end it early become blanks, as in
// net/http.
func appendField(out []byte, name, value string) []byte {
	out = append(append(out, name...), ": "...)
	begin := len(out)
	out = append(out, value...)
	for i, char := range out[begin:] {
		if char == '\r' || char == '\n' {
			out[begin+i] = ' '
		}
	}
	return append(out, "\r\n"...)
}

// endHead adds to out the other fields, and the end of the head.
func (m *Machine) endHead(cached bool) {
	m.out = append(m.out, dateLine(m.now)...)
	if m.handler.ServerTiming {
		m.out = append(m.out, "Server-Timing: "...)
		m.out = plan.AppendTiming(m.out, cached, m.server.since(m.now))
		m.out = append(m.out, "\r\n"...)
	}
	switch {
	case m.closes:
		m.out = append(m.out, "Connection: close\r\n"...)
	case m.head.Minor == 0:
		m.out = append(m.out, "Connection: keep-alive\r\n"...)
	}
	m.out = append(m.out, "\r\n"...)
}

// dated is the Date line of a second.
type dated struct {
	second int64
	line   string
}

var lastDate atomic.Pointer[dated]

// dateLine returns the Date line of now. It is made once a second.
func dateLine(now time.Time) string {
	second := now.Unix()
	if d := lastDate.Load(); d != nil && d.second == second {
		return d.line
	}
	d := &dated{second, "Date: " + plan.FormatDate(now) + "\r\n"}
	lastDate.Store(d)
	return d.line
}

// Refusal returns a response of the server itself, to a request that is not
// understood, or instead of one. The status is 400 or 503.
func Refusal(status int) []byte {
	page := strconv.Itoa(status) + " " + plan.StatusText(status) + "\n"
	head := "HTTP/1.1 " + page[:len(page)-1] + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + strconv.Itoa(len(page)) + "\r\n"
	if status == 503 {
		head += "Retry-After: 1\r\n"
	}
	return []byte(head + "Connection: close\r\n\r\n" + page)
}
