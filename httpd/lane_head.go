package httpd

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"sluice/internal/h1"
)

// askOfHead takes from a head what the plan needs. The ask lives as long as
// the strings of the head and path do.
func askOfHead(head *h1.Head, path string) ask {
	return ask{
		head:  head.Head,
		path:  path,
		query: head.Query,
		uri:   head.Target,

		accept:            head.Accept,
		acceptEncoding:    head.AcceptEncoding,
		ifMatch:           head.IfMatch,
		ifNoneMatch:       head.IfNoneMatch,
		ifModifiedSince:   head.IfModifiedSince,
		ifUnmodifiedSince: head.IfUnmodifiedSince,
		ifRange:           head.IfRange,
		rng:               head.Range,
		wantReprDigest:    head.WantReprDigest,
		origin:            head.Origin,
	}
}

// beginHead puts into out what the plan says of a response's head.
func (l *lane) beginHead(rep *reply) {
	out := l.desk.out
	out = append(out, "HTTP/1.1 "...)
	out = strconv.AppendInt(out, int64(rep.status), 10)
	out = append(out, ' ')
	out = append(out, http.StatusText(rep.status)...)
	out = append(out, "\r\n"...)
	for _, f := range rep.header {
		out = appendField(out, f.name, f.value)
	}
	if rep.hasLength() {
		out = append(out, "Content-Length: "...)
		out = strconv.AppendInt(out, rep.body.size(), 10)
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
func (l *lane) endHead(n next, cache string) {
	d := l.desk
	d.out = append(d.out, dateLine(l.now)...)
	if l.files.ServerTiming {
		d.out = append(d.out, "Server-Timing: "...)
		d.out = appendTiming(d.out, cache, time.Since(l.now))
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
	d := &dated{second, "Date: " + formatDate(now) + "\r\n"}
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
