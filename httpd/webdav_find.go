package httpd

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"sluice/httpd/internal/dav"
	"sluice/httpd/internal/deadprop"
	"sluice/httpd/internal/plan"
	"sluice/internal/vfs"
)

// liveProperty is a property that the server knows of a file, without opening it.
type liveProperty struct {
	name  dav.Name
	asked bool // only clients that name it get it
	value func(ch *change, name string, info fs.FileInfo) (value string, ok bool)
}

// apache is the namespace of a property that mod_dav has, and its clients know.
const apache = "http://apache.org/dav/props/"

// executable is whether a file can be executed: T or F.
var executable = dav.Name{Space: apache, Local: "executable"}

// Properties of directories, of which the count may have to be waited for.
var (
	quotaAvailable = davName("quota-available-bytes")
	quotaUsed      = davName("quota-used-bytes")
)

func isOfQuota(n dav.Name) bool { return n == quotaAvailable || n == quotaUsed }

// liveProperties are all of them.
var liveProperties = []liveProperty{
	{davName("resourcetype"), false, func(_ *change, _ string, info fs.FileInfo) (string, bool) {
		if info.IsDir() {
			return "<D:collection/>", true
		}
		return "", true
	}},
	{davName("displayname"), false, func(_ *change, name string, _ fs.FileInfo) (string, bool) {
		return dav.Escape(path.Base(name)), name != "/"
	}},
	{davName("getcontentlength"), false, func(_ *change, _ string, info fs.FileInfo) (string, bool) {
		return strconv.FormatInt(info.Size(), 10), !info.IsDir()
	}},
	{davName("getcontenttype"), false, func(_ *change, name string, info fs.FileInfo) (string, bool) {
		mediaType := plan.EntryType(name)
		return dav.Escape(mediaType), !info.IsDir() && mediaType != ""
	}},
	{davName("getetag"), false, func(ch *change, name string, info fs.FileInfo) (string, bool) {
		if info.IsDir() {
			return "", false
		}
		tag := ch.planner.EntryTag(name, info)
		return dav.Escape(tag), tag != ""
	}},
	{davName("getlastmodified"), false, func(_ *change, _ string, info fs.FileInfo) (string, bool) {
		return info.ModTime().UTC().Format(http.TimeFormat), !info.ModTime().IsZero()
	}},
	{davName("supportedlock"), false, func(ch *change, name string, _ fs.FileInfo) (string, bool) {
		if !ch.mayLock(name) {
			return "", true
		}
		return dav.SupportedLock, true
	}},
	{davName("lockdiscovery"), false, func(ch *change, name string, _ fs.FileInfo) (string, bool) {
		var b strings.Builder
		for _, l := range uploads.LocksOn(ch.tree, name) {
			b.WriteString(ch.activeLock(l))
		}
		return b.String(), true
	}},
	{executable, false, func(_ *change, _ string, info fs.FileInfo) (string, bool) {
		if info.Mode()&0o100 != 0 {
			return "T", info.Mode().IsRegular()
		}
		return "F", info.Mode().IsRegular()
	}},
	{quotaAvailable, true, func(ch *change, name string, info fs.FileInfo) (string, bool) { // RFC 4331
		free, ok := ch.available(name)
		return strconv.FormatInt(free, 10), ok && info.IsDir()
	}},
	{quotaUsed, true, func(ch *change, _ string, info fs.FileInfo) (string, bool) {
		usage := ch.h.space.Usage()
		isCounted := usage.FreeBytes >= 0 || usage.FreeFiles >= 0
		return strconv.FormatInt(usage.Bytes, 10), isCounted && info.IsDir()
	}},
}

// available returns how many bytes the client may write to a directory: what is left of its quota and of the disk.
func (ch *change) available(dir string) (bytes int64, ok bool) {
	usage := ch.h.space.Usage()
	if !usage.IsCounted && !usage.HasNoLimits {
		return 0, false
	}
	free, err := ch.tree.Free(dir)
	if err == nil {
		return ch.h.space.Free(dir, free), true
	}
	return usage.FreeBytes, usage.FreeBytes >= 0 // the file system does not say what is free
}

func davName(local string) dav.Name { return dav.Name{Space: dav.Space, Local: local} }

// isForeign reports whether the property is of the server software that defines it, and so of none here.
func isForeign(n dav.Name) bool {
	return n.Space == "http://owncloud.org/ns" || n.Space == "http://nextcloud.org/ns" || n.Space == "http://open-collaboration-services.org/ns"
}

// found is the body of a response to PROPFIND.
type found struct {
	ch      *change
	what    dav.Find
	dead    bool // dead properties are wanted
	name    string
	info    fs.FileInfo
	entries *plan.Entries // of the directory; nil: none are wanted
}

// propfind answers with properties of a file or directory, and of the entries of the directory.
func (ch *change) propfind() (status int, fields plan.Header, err error) {
	body, err := ch.readXML()
	if err != nil {
		return 0, nil, err
	}
	what, err := dav.ParseFind(body)
	if err != nil {
		return 0, nil, errSyntax
	}
	depth, err := dav.ParseDepth(ch.r.Header.Get("Depth"), dav.DepthInfinity)
	if err != nil {
		return 0, nil, errDepth
	}
	if !ch.h.mayList(ch.name) {
		return 0, nil, ch.lacking(ch.name, "list")
	}
	info, err := ch.stat(ch.name)
	if err != nil {
		return 0, nil, err
	}
	if slices.ContainsFunc(what.Props, isOfQuota) {
		_ = ch.h.space.Ready() // after an error these are missing
	}
	f := &found{ch: ch, what: what, name: ch.name, info: info}
	f.dead = what.All || what.Names || slices.ContainsFunc(what.Props, isDead)
	switch {
	case !info.IsDir() && ch.isToDirectory():
		return 0, nil, fs.ErrNotExist // as for GET
	case depth == dav.DepthInfinity && info.IsDir():
		ch.condition = "propfind-finite-depth"
		return 0, nil, refuse(http.StatusForbidden, "Depth must be 0 or 1.")
	case depth == dav.DepthOne && info.IsDir():
		if f.entries, err = ch.planner.Entries(ch.r.Context(), ch.request, ch.name); err != nil {
			return 0, nil, err
		}
	}
	ch.body = f
	return http.StatusMultiStatus, plan.Header{xmlType}, nil
}

// isDead reports whether a property is none of the server, so that a client may have stored it.
func isDead(n dav.Name) bool {
	return n.Space != dav.Space && !isForeign(n) && !slices.ContainsFunc(liveProperties, func(p liveProperty) bool { return p.name == n })
}

func (f *found) release() { f.entries.Release() }

func (f *found) write(ctx context.Context, w io.Writer) error {
	m := dav.NewMultistatus(w)
	if err := f.describe(m, f.name, f.info); err != nil {
		return err
	}
	if err := f.writeEntries(ctx, m); err != nil {
		return err
	}
	return m.Close()
}

func (f *found) writeEntries(ctx context.Context, m *dav.Multistatus) error {
	for f.entries != nil {
		infos, err := f.entries.Next()
		if err == io.EOF { //nolint:errorlint // the bare value, as from a Reader
			break
		}
		if err != nil {
			return err
		}
		for i, info := range infos {
			if i%100 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := f.describe(m, path.Join(f.name, info.Name()), info); err != nil {
				return err
			}
			infos[i] = nil // the client may read slowly
		}
	}
	return nil
}

const (
	statusOK      = "200 OK"
	statusMissing = "404 Not Found"
)

// describe writes the properties of one file or directory.
func (f *found) describe(m *dav.Multistatus, name string, info fs.FileInfo) error {
	href := f.ch.href(name, info.IsDir())
	var dead []dav.Property
	if f.dead {
		dead = f.ch.deadProperties(name)
	}
	has := dav.Result{Status: statusOK}
	if f.what.All || f.what.Names {
		for _, p := range liveProperties {
			if p.asked {
				continue
			}
			if value, ok := p.value(f.ch, name, info); ok {
				has.Props = append(has.Props, dav.Property{Name: p.name, Value: value})
			}
		}
		has.Props = append(has.Props, dead...)
	}
	if f.what.Names {
		for i := range has.Props {
			has.Props[i] = dav.Property{Name: has.Props[i].Name}
		}
		return m.Properties(href, has)
	}
	lacks := dav.Result{Status: statusMissing}
	for _, want := range f.what.Props {
		if slices.ContainsFunc(has.Props, func(p dav.Property) bool { return p.Name == want }) {
			continue
		}
		if p, ok := f.ch.property(want, name, info, dead); ok {
			has.Props = append(has.Props, p)
		} else {
			lacks.Props = append(lacks.Props, dav.Property{Name: want})
		}
	}
	results := make([]dav.Result, 0, 2)
	if len(has.Props) > 0 || len(lacks.Props) == 0 {
		results = append(results, has)
	}
	if len(lacks.Props) > 0 {
		results = append(results, lacks)
	}
	return m.Properties(href, results...)
}

// property returns a property of a file, of which dead are those that clients have stored.
func (ch *change) property(want dav.Name, name string, info fs.FileInfo, dead []dav.Property) (dav.Property, bool) {
	for _, p := range liveProperties {
		if p.name == want {
			value, ok := p.value(ch, name, info)
			return dav.Property{Name: want, Value: value}, ok
		}
	}
	for _, p := range dead {
		if p.Name == want {
			return p, true
		}
	}
	return dav.Property{}, false
}

// deadProperties returns the properties that clients have stored with a file. It opens no file of another file system
// than that of the operating system, because that may mean a download.
func (ch *change) deadProperties(name string) []dav.Property {
	if _, _, ok := vfs.RootOf(ch.tree, name); !ok {
		return nil
	}
	f, err := ch.seen().Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	file, ok := f.(*os.File)
	if !ok {
		return nil
	}
	all, err := deadprop.Read(file)
	if err != nil {
		return nil
	}
	return all
}
