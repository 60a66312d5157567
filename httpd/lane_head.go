package httpd

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"sluice/httpd/internal/plan"
	"sluice/internal/h1"
)

// requestOfHead returns the part of a head that decides the response. It is valid
// as long as the strings of the head, and path, are.
func requestOfHead(head *h1.Head, path string) plan.Request {
	return plan.Request{
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

func methodOf(head *h1.Head) string {
	if head.Head {
		return "HEAD"
	}
	return "GET"
}

// beginHead puts into out what the plan says of a response's head.
func (l *lane) beginHead(resp *plan.Response) {
	out := l.desk.out
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
	l.desk.out = out
}

// appendField appends a line. What would end it early becomes a blank, as
// net/http does it.
func appendField(out []byte, name, value string) []byte {
	out = append(append(out, name...), ": "...)
	begin := len(out)
	out = append(out, value...)
	for i, c := range out[begin:] {
		if c == '\r' || c == '\n' {
			out[begin+i] = ' '
		}
	}
	return append(out, "\r\n"...)
}

// endHead puts into out what the lane says, and the end of the head.
func (l *lane) endHead(n next, cached bool) {
	d := l.desk
	d.out = append(d.out, dateLine(l.now)...)
	if l.files.ServerTiming {
		d.out = append(d.out, "Server-Timing: "...)
		d.out = plan.AppendTiming(d.out, cached, time.Since(l.now))
		d.out = append(d.out, "\r\n"...)
	}
	switch {
	case n == end:
		d.out = append(d.out, "Connection: close\r\n"...)
	case d.head.Minor == 0:
		d.out = append(d.out, "Connection: keep-alive\r\n"...)
	}
	d.out = append(d.out, "\r\n"...)
}

// dated is the line of a second.
type dated struct {
	second int64
	line   string
}

var lastDate atomic.Pointer[dated]

// dateLine returns the Date line of now, which is made once a second.
func dateLine(now time.Time) string {
	second := now.Unix()
	if d := lastDate.Load(); d != nil && d.second == second {
		return d.line
	}
	d := &dated{second, "Date: " + plan.FormatDate(now) + "\r\n"}
	lastDate.Store(d)
	return d.line
}

// refusal is an answer of the server itself, before or instead of a request.
func refusal(status int) []byte {
	page := strconv.Itoa(status) + " " + http.StatusText(status) + "\n"
	head := "HTTP/1.1 " + page[:len(page)-1] + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + strconv.Itoa(len(page)) + "\r\n"
	if status == http.StatusServiceUnavailable {
		head += "Retry-After: 1\r\n"
	}
	return []byte(head + "Connection: close\r\n\r\n" + page)
}
