package httpd

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice/sendfile"
)

// talk is what is said by HTTP/1 on a connection of the net/http lane, in clear.
// What net/http refuses by itself, because it is malformed or too long, never
// comes to the Handler. It shows here: as an answer before anybody was asked.
type talk struct {
	server *Server
	wire   *wire
	line   string // of the first request; "": there was another since, or it is not known
	asked  bool   // the Handler was, since net/http last waited for a request
}

// talkOf returns that of a connection which net/http has; nil: it has none.
func talkOf(c any) *talk {
	switch c := c.(type) {
	case *conn:
		return c.talk
	case *secureConn:
		return c.talk
	}
	return nil
}

// follow is a hook for http.Server.ConnState. StateIdle comes between two
// requests, after all of the answer to the first was written.
func (t *talk) follow(state http.ConnState) {
	if t != nil && state == http.StateIdle {
		t.asked, t.line = false, ""
	}
}

// ask is called when the Handler is.
func (t *talk) ask() {
	if t != nil {
		t.asked = true
	}
}

// answer is called with what is written, before that.
func (t *talk) answer(p []byte) {
	if t != nil && !t.asked {
		t.asked = true
		t.server.tellRefusal(t.wire, t.line, p)
	}
}

// tellRefusal counts a request that was refused before it was understood, and
// calls the hook. The answer tells the status.
func (s *Server) tellRefusal(w *wire, line string, answer []byte) {
	head, body, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	const before = len("HTTP/1.1 ")
	status, err := strconv.Atoi(string(head[min(before, len(head)):min(before+3, len(head))]))
	if err != nil {
		return
	}
	rec := account(w.live, nil, time.Now(), sendfile.Result{Sent: int64(len(body))}, nil)
	hook := s.OnTransfer
	if files := s.files.Load(); files != nil && files.OnTransfer != nil {
		hook = files.OnTransfer
	}
	if !w.live.WantsRecord(hook) {
		return
	}
	rec.Status = status
	rec.Op, rec.Target, _ = strings.Cut(line, " ")
	if i := strings.LastIndexByte(rec.Target, ' '); i >= 0 {
		if _, _, ok := http.ParseHTTPVersion(rec.Target[i+1:]); ok {
			rec.Target, rec.Proto = rec.Target[:i], rec.Target[i+1:]
		}
	}
	w.live.Report(&rec, hook)
}

// lineOf returns the line that a request begins with, as far as it has come.
func lineOf(in []byte) string {
	line, _, _ := bytes.Cut(in, []byte("\n"))
	return string(bytes.TrimSuffix(line, []byte("\r")))
}
