package ftpd

import (
	"bufio"
	"errors"
	"path"
	"strings"
	"time"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
	"sluice/sendfile"
)

// list answers LIST, NLST and MLSD.
func (op *operation) list(arg string) (r reply) {
	s := op.session
	t := newTransfer(op.ctx, s.server, s.live, s.user, op.name, s.path(arg))
	l, err := s.openListing(op.ctx, op.name, arg)
	if err != nil {
		return op.finish(t, err)
	}
	defer l.close()
	err = errPanic // remains if a hook panics in sendLines
	defer func() { r = op.finish(t, err) }()
	err = op.sendWithConn(func(conn *stream) error { return t.sendLines(conn, l) })
	return
}

// listView returns what the lines of a listing show to the user. Names without a slash
// are in the directory dir.
func (s *session) listView(dir string) list.View {
	v := list.View{Now: time.Now(), Rights: s.user.rights, HostIDs: s.user.name != anonymous, Facts: s.facts()}
	if s.user.account.Paths != nil {
		v.RightsAt = func(name string) account.Rights { return s.user.rightsAt(absolute(dir, name)) }
	}
	return v
}

// listPrefix returns the prefix of the names in an NLST of the directory arg: arg itself,
// unless the driver has set another directory by SetListPath, because it takes arg for a
// pattern.
func (s *session) listPrefix(arg string) string {
	var other string
	s.updateContext(func(c *clientContext) { other = c.listPath })
	switch {
	case other != "":
		arg = path.Clean("/" + other)
		if below, ok := strings.CutPrefix(arg+"/", strings.TrimSuffix(s.dir(), "/")+"/"); ok {
			return strings.TrimPrefix(below, "/")
		}
	case arg == "" || arg == ".":
		return ""
	}
	return strings.TrimSuffix(arg, "/") + "/"
}

// withoutOptions removes options of ls, as in "LIST -la d". recursive means that R is one of
// them; others have no effect.
func withoutOptions(arg string) (rest string, recursive bool) {
	for strings.HasPrefix(arg, "-") {
		var option string
		option, arg, _ = strings.Cut(arg, " ")
		recursive = recursive || strings.Contains(option, "R")
		arg = strings.TrimLeft(arg, " ")
	}
	return arg, recursive
}

// listingBuffer collects many lines for one write.
const listingBuffer = 64 << 10

// sendLines sends the lines of a listing, many at a time.
func (t *transfer) sendLines(conn *stream, l *listing) error {
	w := &listingWriter{transfer: t, conn: conn, opt: sendfile.Options{Timeout: t.server.stallTimeout()}}
	t.limit(&w.opt, false, -1)
	out := bufio.NewWriterSize(w, l.bufferSize())
	err := l.write(&lineSink{write: func(line []byte) error {
		_, err := out.Write(line)
		return err
	}})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		conn.fail() // a listing that is cut must not look whole
	}
	var e *sendfile.Error
	if errors.As(err, &e) { // its Offset counts from the start of one Write
		e.Offset = w.sent.Sent
	}
	return t.recordResult(w.sent, err)
}

// listingWriter sends the bytes written to it, with the same timeout and limits as files,
// and counts them.
type listingWriter struct {
	transfer *transfer
	conn     *stream
	opt      sendfile.Options
	sent     sendfile.Result // without a method: these are no bytes of a file
}

// Write blocks until p is sent, the client stalls, or the operation ends.
func (w *listingWriter) Write(p []byte) (int, error) {
	if w.sent.Sent == 0 && len(p) == listingBuffer { // probably a long listing
		w.transfer.beginLive(w.conn, false, -1)
	}
	res, err := sendfile.Write(w.transfer.ctx, w.conn.Conn, p, &w.opt)
	w.sent.Sent += res.Sent
	w.transfer.liveEntry.Add(sendfile.Result{Sent: res.Sent})
	return int(res.Sent), err
}

// maxStatEntries limits the lines in a reply to STAT, which is sent in one write.
const maxStatEntries = 10_000

// statPath answers STAT with an argument: a LIST over the control connection.
func (s *session) statPath(arg string) reply {
	l, err := s.openListing(s.ctx, "LIST", arg)
	if err != nil {
		return fileErrorReply(err)
	}
	defer l.close()
	lines := []string{"Status of " + arg}
	w := &lineSink{max: maxStatEntries, write: func(line []byte) error {
		if text := strings.TrimSuffix(string(line), "\r\n"); text != "" { // not those between directories: a client may take one for the end
			lines = append(lines, text)
		}
		return nil
	}}
	if l.isLarge() {
		err = errTooManyLines
	} else {
		err = l.write(w)
	}
	switch {
	case errors.Is(err, errTooManyLines):
		return newReply(450, "Too many entries, use LIST")
	case err != nil:
		return fileErrorReply(err)
	}
	code := 212
	if l.isFile {
		code = 213
	}
	return newReply(code, append(lines, "End")...)
}
