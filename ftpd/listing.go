package ftpd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"path"
	"strings"
	"time"

	"sluice/internal/account"
	"sluice/internal/upload"
	"sluice/sendfile"
)

// listingBuffer makes one packet, or a few TLS records, of many lines.
const listingBuffer = 64 << 10

// listing is the answer to LIST, NLST or MLSD, and to STAT of a path.
type listing struct {
	transfer
	view  view
	items []item
}

// item is a file under the name by which it is listed. Its FileInfo is that of
// what a symbolic link leads to.
type item struct {
	fs.FileInfo
	name string // as it is on the disk
	kind string // the fact "type"; "": what the mode says
}

// view is what all lines of a listing have in common.
type view struct {
	now    time.Time
	rights account.Rights
	hosts  bool // tell owners and groups by their numbers on the host
	facts  factSet
}

// view returns how d's user sees files.
func (d *driver) view() view {
	return view{now: time.Now(), rights: d.rights, hosts: d.user != anonymous, facts: d.session.content.factSet()}
}

// formats append the line of an item, with its end.
var formats = map[string]func(v *view, b []byte, it item) []byte{
	"LIST": (*view).appendLong,
	"NLST": (*view).appendName,
	"MLSD": (*view).appendFacts,
}

// openList opens for LIST.
func openList(d *driver, arg string) (mover, error) { return d.openListing("LIST", arg) }

// openNames opens for NLST.
func openNames(d *driver, arg string) (mover, error) { return d.openListing("NLST", arg) }

// openFacts opens for MLSD.
func openFacts(d *driver, arg string) (mover, error) { return d.openListing("MLSD", arg) }

func (d *driver) openListing(op, arg string) (mover, error) {
	l, err := d.list(op, arg)
	if err != nil {
		return nil, l.report(err)
	}
	return l, nil
}

// list finds what op is to show.
func (d *driver) list(op, arg string) (l *listing, err error) {
	l = &listing{transfer: d.newTransfer(op, arg), view: d.view()}
	if err := d.may(account.List); err != nil {
		return l, err
	}
	if op == "MLSD" {
		l.items, err = d.readFacts(arg)
	} else {
		l.items, err = d.readNames(op, arg)
	}
	return l, err
}

// move sends the lines.
func (l *listing) move(data *dataConn) error {
	ctx := l.session.opContext()
	conn, err := data.secure(ctx)
	if err != nil {
		return err
	}
	out := &sink{listing: l, data: data, ctx: ctx, conn: conn, opt: sendfile.Options{Timeout: l.session.server.stallTimeout()}}
	l.limit(&out.opt, false, -1)
	err = l.writeTo(out)
	if err != nil {
		data.fail()
	}
	var e *sendfile.Error
	if errors.As(err, &e) { // of one Write, and not of all
		e.Offset = out.sent.Sent
	}
	return l.ended(ctx, out.sent, err)
}

// close has nothing to close.
func (l *listing) close(err error) error { return l.report(err) }

var errNoDirectory = errors.New("not a directory")

// readFacts returns the directory name with itself and the one above.
func (d *driver) readFacts(name string) ([]item, error) {
	name = d.path(name)
	self, err := d.stat(name)
	if err == nil && !self.IsDir() {
		err = errNoDirectory // and nothing else is listed (RFC 3659, 7.2.1)
	}
	if err != nil {
		return nil, err
	}
	items := []item{{self, ".", "cdir"}}
	if name != "/" {
		above, err := d.stat(path.Dir(name))
		if err != nil {
			return nil, err
		}
		items = append(items, item{above, "..", "pdir"})
	}
	rest, err := d.readDir(name, "")
	return append(items, rest...), err
}

// readNames returns what arg names to LIST or NLST: the entries of a
// directory, a file, or what matches a pattern.
func (d *driver) readNames(op, arg string) ([]item, error) {
	info, err := d.stat(arg)
	if err != nil {
		arg = withoutOptions(arg)
		info, err = d.stat(arg)
	}
	switch {
	case err != nil && isPattern(arg):
		return d.glob(arg)
	case err != nil:
		return nil, err
	case !info.IsDir():
	case op == "NLST" && arg != "" && arg != ".": // names that the client can send as they are
		return d.readDir(d.path(arg), strings.TrimSuffix(arg, "/")+"/")
	default:
		return d.readDir(d.path(arg), "")
	}
	return []item{{FileInfo: info, name: arg}}, nil
}

// readDir returns the entries of the directory name, each with prefix before
// its own name.
func (d *driver) readDir(name, prefix string) ([]item, error) {
	infos, err := d.tree.ReadDir(name)
	if err != nil {
		return nil, bare(err)
	}
	items := make([]item, 0, len(infos)+2)
	for _, info := range infos {
		if name := info.Name(); !upload.IsPartial(name) {
			items = append(items, item{FileInfo: info, name: prefix + name})
		}
	}
	return items, nil
}

// withoutOptions takes off what clients give to ls: LIST -la d. No option
// changes what is shown.
func withoutOptions(arg string) string {
	for strings.HasPrefix(arg, "-") {
		_, arg, _ = strings.Cut(arg, " ")
		arg = strings.TrimLeft(arg, " ")
	}
	return arg
}

// writeTo writes the lines, many at a time.
func (l *listing) writeTo(w io.Writer) error {
	out := bufio.NewWriterSize(w, listingBuffer)
	appendLine := formats[l.told.Op]
	for _, it := range l.items {
		_, _ = out.Write(appendLine(&l.view, out.AvailableBuffer(), it)) // Flush tells
	}
	return out.Flush()
}

// sink sends what is written to it, with the same idea of a stall as files are
// sent with, and counts it.
type sink struct {
	listing *listing
	data    *dataConn
	ctx     context.Context // ends with the transfer
	conn    net.Conn        // of data
	opt     sendfile.Options
	sent    sendfile.Result // by no method: these are no bytes of a file
}

func (w *sink) Write(p []byte) (int, error) {
	if w.sent.Sent == 0 && len(p) == listingBuffer { // more is to come
		w.listing.watch(w.data, false, -1)
	}
	res, err := sendfile.Write(w.ctx, w.conn, p, &w.opt)
	w.sent.Sent += res.Sent
	w.listing.watched.Add(sendfile.Result{Sent: res.Sent})
	return int(res.Sent), err
}
