package ftpd

import (
	"bufio"
	"context"
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
	items, err := s.listItems(op.ctx, op.name, arg)
	if errors.Is(err, list.ErrNoMatch) {
		err = nil // an empty listing: clients would take an error for a failure of the server
	}
	if err != nil {
		return op.finish(t, err)
	}
	err = errPanic // remains if a hook panics in sendLines
	defer func() { r = op.finish(t, err) }()
	view, format := s.listView(s.path(arg)), list.FormatOf(op.name)
	err = op.sendWithConn(func(conn *stream) error { return t.sendLines(conn, &view, format, items) })
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

var errNoDirectory = errors.New("not a directory")

// listItems returns the items of a listing. It stops when ctx ends.
func (s *session) listItems(ctx context.Context, command, arg string) ([]list.Item, error) {
	if !s.user.listsByPath() {
		if err := s.user.may(account.List, "/"); err != nil {
			return nil, err
		}
	}
	if command == "MLSD" {
		return s.mlsdItems(s.path(arg))
	}
	return s.namedItems(ctx, command, arg)
}

// mlsdItems returns the directory name itself, its parent, and its entries.
func (s *session) mlsdItems(name string) ([]list.Item, error) {
	self, err := s.user.stat(name)
	if err == nil && !self.IsDir() {
		err = errNoDirectory // RFC 3659, 7.2.1: MLSD lists only directories
	}
	if err != nil {
		return nil, err
	}
	items := []list.Item{{Info: self, Name: ".", Type: "cdir"}}
	if name != "/" {
		above, err := s.user.stat(path.Dir(name))
		if err != nil {
			return nil, err
		}
		items = append(items, list.Item{Info: above, Name: "..", Type: "pdir"})
	}
	rest, err := s.user.readDir(name)
	return append(items, rest...), err
}

// namedItems returns the items for the argument of LIST or NLST: the entries of a
// directory or of a link to one; any other file or link itself; or else the names that
// match arg as a pattern.
func (s *session) namedItems(ctx context.Context, command, arg string) ([]list.Item, error) {
	s.updateContext(func(c *clientContext) { c.listPath = "" })
	it, err := s.user.entry(s.path(arg))
	if err != nil && !s.server.policy.keepOptions {
		arg = withoutOptions(arg)
		it, err = s.user.entry(s.path(arg))
	}
	switch {
	case err != nil && list.IsPattern(arg):
		return list.Glob(ctx, globTree{s}, arg)
	case err != nil:
		return nil, err
	case !it.LeadsToDir():
		if err := s.user.mayListFile(s.path(arg)); err != nil {
			return nil, err
		}
		it.Name = arg
		return []list.Item{it}, nil
	}
	items, err := s.user.readDir(s.path(arg))
	if command == "NLST" {
		prefix := s.listPrefix(arg)
		for i := range items { // with the prefix the client can use the names in commands
			items[i].Name = prefix + items[i].Name
		}
	}
	return items, err
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

// withoutOptions removes options of ls, as in "LIST -la d". They have no effect.
func withoutOptions(arg string) string {
	for strings.HasPrefix(arg, "-") {
		_, arg, _ = strings.Cut(arg, " ")
		arg = strings.TrimLeft(arg, " ")
	}
	return arg
}

// listingBuffer collects many lines for one write.
const listingBuffer = 64 << 10

// sendLines sends the lines of items, many at a time.
func (t *transfer) sendLines(conn *stream, view *list.View, format list.Format, items []list.Item) error {
	w := &listingWriter{transfer: t, conn: conn, opt: sendfile.Options{Timeout: t.server.stallTimeout()}}
	t.limit(&w.opt, false, -1)
	out := bufio.NewWriterSize(w, listingBuffer)
	for _, it := range items {
		_, _ = out.Write(format(view, out.AvailableBuffer(), it)) // Flush returns its error
	}
	err := out.Flush()
	if err != nil {
		conn.fail()
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

// maxStatEntries limits the entries in a reply to STAT, which is sent in one write.
const maxStatEntries = 10_000

// statPath answers STAT with an argument: a LIST over the control connection.
func (s *session) statPath(arg string) reply {
	items, err := s.listItems(s.ctx, "LIST", arg)
	switch {
	case err != nil:
		return fileErrorReply(err)
	case len(items) > maxStatEntries:
		return newReply(450, "Too many entries, use LIST")
	}
	view, lines := s.listView(s.path(arg)), []string{"Status of " + arg}
	for _, it := range items {
		b := view.AppendLong(nil, it)
		lines = append(lines, string(b[:len(b)-len("\r\n")]))
	}
	code := 212
	if len(items) == 1 && items[0].Name == arg {
		code = 213
	}
	return newReply(code, append(lines, "End")...)
}
