package ftpd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
	"sluice/internal/upload"
	"sluice/sendfile"
)

// listingBuffer makes one packet, or a few TLS records, of many lines.
const listingBuffer = 64 << 10

// listing is the answer to LIST, NLST or MLSD, and to STAT of a path.
type listing struct {
	transfer
	view  list.View
	items []list.Item
}

// view returns how d's user sees files.
func (d *driver) view() list.View {
	return list.View{Now: time.Now(), Rights: d.rights, HostIDs: d.user != anonymous, Facts: d.session.content.factSet()}
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
func (d *driver) readFacts(name string) ([]list.Item, error) {
	name = d.path(name)
	self, err := d.stat(name)
	if err == nil && !self.IsDir() {
		err = errNoDirectory // and nothing else is listed (RFC 3659, 7.2.1)
	}
	if err != nil {
		return nil, err
	}
	items := []list.Item{{Info: self, Name: ".", Type: "cdir"}}
	if name != "/" {
		above, err := d.stat(path.Dir(name))
		if err != nil {
			return nil, err
		}
		items = append(items, list.Item{Info: above, Name: "..", Type: "pdir"})
	}
	rest, err := d.readItems(name, "")
	return append(items, rest...), err
}

// readNames returns what arg names to LIST or NLST: the entries of a
// directory, a file, or what matches a pattern.
func (d *driver) readNames(op, arg string) ([]list.Item, error) {
	info, err := d.stat(arg)
	if err != nil {
		arg = withoutOptions(arg)
		info, err = d.stat(arg)
	}
	switch {
	case err != nil && list.IsPattern(arg):
		return d.glob(arg)
	case err != nil:
		return nil, err
	case !info.IsDir():
	case op == "NLST" && arg != "" && arg != ".": // names that the client can send as they are
		return d.readItems(arg, strings.TrimSuffix(arg, "/")+"/")
	default:
		return d.readItems(arg, "")
	}
	return []list.Item{{Info: info, Name: arg}}, nil
}

// readItems returns the entries of the directory arg, each with prefix before
// its own name.
func (d *driver) readItems(arg, prefix string) ([]list.Item, error) {
	entries, err := d.readDir(arg)
	if err != nil {
		return nil, err
	}
	return list.Items(entries, prefix), nil
}

// readDir returns the entries of the directory arg. What is not whole yet is
// not there.
func (d *driver) readDir(arg string) ([]fs.FileInfo, error) {
	entries, err := d.tree.ReadDir(d.path(arg))
	if err != nil {
		return nil, bare(err)
	}
	return slices.DeleteFunc(entries, func(info fs.FileInfo) bool { return upload.IsPartial(info.Name()) }), nil
}

// glob returns what matches pattern, until the operation under way ends.
func (d *driver) glob(pattern string) ([]list.Item, error) {
	return list.Glob(d.session.opContext(), globTree{d}, pattern)
}

// globTree shows list.Glob what the driver's user sees. The driver has no ReadDir
// of its own, because the library would use it.
type globTree struct{ driver *driver }

func (t globTree) Stat(name string) (fs.FileInfo, error) { return t.driver.stat(name) }

func (t globTree) ReadDir(dir string) ([]fs.FileInfo, error) { return t.driver.readDir(dir) }

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
	appendLine := list.FormatOf(l.told.Op)
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
