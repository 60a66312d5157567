package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// indexName is the file that stands for its directory.
const indexName = "index.html"

// serveDir answers with the directory's index file, or lists it.
func (h *Handler) serveDir(w http.ResponseWriter, r *http.Request) outcome {
	if f, err := h.Tree.File(path.Join(r.URL.Path, indexName), os.O_RDONLY, 0); err == nil {
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return h.serveFile(w, r, f, info)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail(w, r, statusOf(err)) // there is one, and it is not to be read
	}
	entries, err := h.Tree.ReadDir(r.URL.Path)
	if err != nil {
		return fail(w, r, statusOf(err))
	}
	page := listing(r.URL.Path, entries)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.Header().Set("Cache-Control", "no-cache") // it has no validator
	w.WriteHeader(http.StatusOK)
	o := outcome{status: http.StatusOK}
	if r.Method == http.MethodGet {
		n, err := w.Write(page)
		o.res.Sent, o.err = int64(n), err
	}
	return o
}

// The page reads on a phone and in the dark, and needs no other file.
const (
	listingHead = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%[1]s</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.25rem; overflow-wrap: anywhere }
table { width: 100%%; border-collapse: collapse }
th { text-align: left; font-weight: 600 }
th, td { padding: .25rem .5rem; border-bottom: 1px solid #8884 }
td:first-child { overflow-wrap: anywhere }
th:nth-child(2), td:nth-child(2) { text-align: right; white-space: nowrap }
td:nth-child(3) { white-space: nowrap; font-variant-numeric: tabular-nums }
a { text-decoration: none }
a:hover { text-decoration: underline }
@media (max-width: 30rem) { th:nth-child(3), td:nth-child(3) { display: none } }
</style>
<h1>%[1]s</h1>
<table>
<thead><tr><th>Name<th>Size<th>Modified (UTC)</thead>
<tbody>
`
	listingFoot = "</tbody>\n</table>\n</html>\n"
)

// listing returns the page for a directory, directories first.
func listing(urlPath string, entries []fs.FileInfo) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, listingHead, html.EscapeString(urlPath))
	if path.Clean(urlPath) != "/" {
		b.WriteString("<tr><td><a href=\"../\">../</a><td><td>\n")
	}
	for _, dirs := range []bool{true, false} {
		for _, e := range entries {
			if e.IsDir() == dirs && !isHidden(e.Name()) {
				writeEntry(&b, e)
			}
		}
	}
	b.WriteString(listingFoot)
	return b.Bytes()
}

func writeEntry(b *bytes.Buffer, e fs.FileInfo) {
	name, size := e.Name(), formatSize(e.Size())
	if e.IsDir() {
		name, size = name+"/", ""
	}
	href := "./" + url.PathEscape(strings.TrimSuffix(name, "/"))
	if e.IsDir() {
		href += "/"
	}
	fmt.Fprintf(b, "<tr><td><a href=\"%s\">%s</a><td>%s<td>%s\n",
		html.EscapeString(href), html.EscapeString(name), size, e.ModTime().UTC().Format(time.DateTime))
}

// formatSize renders a size in the largest binary unit that it fills.
func formatSize(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", value, units[unit])
}
