package listing

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The page is readable on a phone and in dark mode, and needs neither scripts nor
// other files. Its only links are those to directories and files: whatever else it
// offers is a button of a form, because wget2 and search engines, which send the Accept
// field of browsers, follow every link, also one with rel=nofollow.
const (
	pageHead = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
%s<title>%s</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: center; margin-bottom: .75rem }
h1 { font-size: 1.25rem; margin: 0; flex: 1 1 auto; overflow-wrap: anywhere }
input { box-sizing: border-box; font: inherit; padding: .125rem .5rem; width: 10rem; border: 1px solid #8888; border-radius: .25rem; background: transparent; color: inherit }
table { width: 100%%; border-collapse: collapse }
th { text-align: left; font-weight: 600; white-space: nowrap }
th, td { padding: .25rem .5rem; border-bottom: 1px solid #8884 }
tbody tr:hover { background: #8882 }
td:first-child { overflow-wrap: anywhere }
th:nth-child(2), td:nth-child(2) { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
td:nth-child(3) { white-space: nowrap; font-variant-numeric: tabular-nums }
th:nth-child(3), td:nth-child(3) { width: 11rem }
a { text-decoration: none }
a:hover { text-decoration: underline }
form { display: inline }
button { font: inherit; color: LinkText; background: none; border: 0; padding: 0; cursor: pointer }
button:hover { text-decoration: underline }
.upload { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: 1rem .5rem }
.upload p { flex-basis: 100%%; margin: 0 }
.upload input { width: auto; max-width: 100%% }
.upload button { all: revert; font: inherit; padding: .125rem 1rem }
footer { opacity: .7; margin: .75rem .5rem }
@media (max-width: 36rem) { th:nth-child(3), td:nth-child(3) { display: none } input { width: 7rem } }
</style>
`
	pageFoot = "</html>\n"
)

// unsortedNote explains why a stream has no sort links.
const unsortedNote = "<p>This directory has too many entries to sort them. They are in the order of the disk.</p>\n"

// WriteHTML writes a page.
func (l *Listing) WriteHTML(w io.Writer) error {
	b := bufio.NewWriterSize(w, 32<<10)
	robots := ""
	if l.isSelected() { // search engines should have the directory once
		robots = "<meta name=\"robots\" content=\"noindex\">\n"
	}
	_, _ = fmt.Fprintf(b, pageHead, robots, htmlOf(l.path))
	_, _ = b.WriteString("<header>\n<h1>")
	l.writeTrail(b)
	_, _ = b.WriteString("</h1>\n")
	for _, archive := range l.archives {
		writeButton(b, url.Values{archive: {""}}, archive)
		_ = b.WriteByte('\n')
	}
	l.writeSearch(b)
	l.writeLogin(b)
	_, _ = b.WriteString("</header>\n")
	if l.next != nil {
		_, _ = b.WriteString(unsortedNote)
	}
	_, _ = b.WriteString("<table>\n<thead><tr>")
	l.writeColumn(b, "Name", "name")
	l.writeColumn(b, "Size", "size")
	l.writeColumn(b, "Modified (UTC)", "time")
	_, _ = b.WriteString("</thead>\n<tbody>\n")
	if l.path != "/" {
		_, _ = b.WriteString("<tr><td><a href=\"../\">../</a><td><td>\n")
	}
	row := make([]byte, 0, 1024)
	err := l.each(func(e *entry) error {
		row = appendRow(row[:0], e)
		_, err := b.Write(row)
		return err
	})
	if err != nil {
		return err
	}
	_, _ = b.WriteString("</tbody>\n</table>\n")
	l.writeSummary(b)
	l.writeForm(b)
	_, _ = b.WriteString(pageFoot)
	return b.Flush()
}

// writeTrail writes the path with a link to each directory on it. The links are
// relative, so that they also work where a proxy adds a prefix to the paths.
func (l *Listing) writeTrail(b *bufio.Writer) {
	trail, levels := strings.Trim(l.path, "/"), 0
	if trail != "" {
		levels = 1 + strings.Count(trail, "/")
	}
	up := func() string { return "./" + strings.Repeat("../", levels) }
	_, _ = fmt.Fprintf(b, `<a href="%s">/</a>`, up())
	for levels > 0 {
		var name string
		name, trail, _ = strings.Cut(trail, "/")
		if levels--; levels == 0 {
			_, _ = fmt.Fprintf(b, ` %s /`, HTML(name))
			continue
		}
		_, _ = fmt.Fprintf(b, ` <a href="%s">%s</a> /`, up(), HTML(name))
	}
}

func (l *Listing) writeSearch(b *bufio.Writer) {
	_, _ = fmt.Fprintf(b, `<form><input type="search" name="search" placeholder="Search" aria-label="Search" value="%s">`,
		html.EscapeString(strings.ToValidUTF8(l.search, "\uFFFD")))
	if l.sort != "name" {
		_, _ = fmt.Fprintf(b, `<input type="hidden" name="sort" value="%s">`, l.sort)
	}
	if l.descending {
		_, _ = b.WriteString(`<input type="hidden" name="order" value="desc">`)
	}
	_, _ = b.WriteString("</form>\n")
}

// writeLogin writes who the client is, and where to log in or out.
func (l *Listing) writeLogin(b *bufio.Writer) {
	if l.Login.User != "" {
		_, _ = fmt.Fprintf(b, "<div>%s", HTML(l.Login.User))
		if l.Login.CanLogOut {
			_, _ = b.WriteString(` <form method="post" action="?logout"><button>Log out</button></form>`)
		}
		_, _ = b.WriteString("</div>\n")
	}
	if l.Login.CanLogIn {
		writeButton(b, url.Values{"login": {""}}, "Log in")
		_ = b.WriteByte('\n')
	}
}

// The form for uploads. A field holds for the files behind it.
const (
	uploadForm = `<form class="upload" method="post" action="./" enctype="multipart/form-data">%s<input type="file" name="file" multiple required aria-label="Files to upload"><button>Upload</button></form>
`
	keepBox    = `<label><input type="checkbox" name="existing" value="keep" checked> Keep existing files</label>`
	unseenNote = `<p>Files that you upload here are not shown.</p>`
)

// writeForm writes the form for uploads, if there is one.
func (l *Listing) writeForm(b *bufio.Writer) {
	if !l.Uploads.Create {
		return
	}
	above := ""
	if l.Uploads.Unseen {
		above += unseenNote
	}
	if l.Uploads.Replace {
		above += keepBox
	}
	_, _ = fmt.Fprintf(b, uploadForm, above)
}

// writeButton writes a button that leads to a query, and looks like a link.
func writeButton(b *bufio.Writer, query url.Values, title string) {
	_, _ = b.WriteString("<form>")
	for _, key := range slices.Sorted(maps.Keys(query)) {
		_, _ = fmt.Fprintf(b, `<input type="hidden" name="%s" value="%s">`, key, html.EscapeString(strings.ToValidUTF8(query.Get(key), "\uFFFD")))
	}
	_, _ = fmt.Fprintf(b, "<button>%s</button></form>", title)
}

// writeColumn writes the head of a column. It leads to the listing sorted by this
// column, or, if it is already, to the reverse order.
func (l *Listing) writeColumn(b *bufio.Writer, title, sort string) {
	if l.next != nil {
		_, _ = fmt.Fprintf(b, "<th>%s", title)
		return
	}
	arrow, aria, descending := "", "", false
	if l.sort == sort {
		arrow, aria, descending = " ▴", ` aria-sort="ascending"`, true
		if l.descending {
			arrow, aria, descending = " ▾", ` aria-sort="descending"`, false
		}
	}
	_, _ = fmt.Fprintf(b, "<th%s>", aria)
	writeButton(b, l.query(sort, descending, 0), title+arrow)
}

// writeSummary writes the totals, and leads to the entries before and after those
// shown.
func (l *Listing) writeSummary(b *bufio.Writer) {
	_, _ = fmt.Fprintf(b, "<footer>%s, %s, %s", plural(l.shown.dirs, "directory", "directories"),
		plural(l.shown.files, "file", "files"), appendSize(nil, l.shown.bytes))
	if l.offset > 0 {
		previous := 0 // without a limit, the link leads to all entries
		if l.limit > 0 {
			previous = max(l.offset-l.limit, 0)
		}
		_, _ = b.WriteString(" · ")
		writeButton(b, l.query(l.sort, l.descending, previous), "previous")
	}
	if l.shown.more {
		_, _ = b.WriteString(" · ")
		writeButton(b, l.query(l.sort, l.descending, l.offset+l.shown.dirs+l.shown.files), "next")
		if l.next == nil {
			_, _ = fmt.Fprintf(b, " of %d", l.found)
		}
	}
	_, _ = b.WriteString("</footer>\n")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func appendRow(b []byte, e *entry) []byte {
	b = append(b, `<tr><td><a href="`...)
	b = appendLink(b, e)
	b = append(b, `">`...)
	b = append(b, HTML(e.name)...)
	if e.isDir() {
		b = append(b, `/</a><td><td>`...)
	} else {
		b = append(b, `</a><td>`...)
		b = appendSize(b, e.size)
		b = append(b, `<td>`...)
	}
	if !e.modified.IsZero() { // a directory of an object store has no time
		b = e.modified.UTC().AppendFormat(b, time.DateTime)
	}
	return append(b, '\n')
}

// appendSize appends a size in the largest binary unit of which it is at least
// one.
func appendSize(b []byte, n int64) []byte {
	if n < 1024 {
		return append(strconv.AppendInt(b, n, 10), " B"...)
	}
	const units = "KMGTPE"
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	b = strconv.AppendFloat(b, value, 'f', 1, 64)
	return append(b, ' ', units[unit], 'i', 'B')
}
