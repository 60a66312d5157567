package plan

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"

	"sluice/httpd/internal/listing"
)

// FileResult is what came of one file of a form.
type FileResult struct {
	Name   string // as the client has sent it; "": of the whole form
	Status int    // as for PUT
	Reason string // "": the file is saved
}

// Stored answers a form with what came of each file. The status is that of the first file
// that was not saved, or else 200. A browser is sent to the directory if all are saved and
// listed there.
func (p *Planner) Stored(r *Request, files []FileResult) Response {
	status := statusOK
	for _, f := range files {
		if f.Status >= 400 {
			status = f.Status
			break
		}
	}
	var resp Response
	mediaType := preferred(r.Accept, "text/plain", "text/html", "application/json")
	switch {
	case mediaType == "text/html" && status == statusOK && !p.uploadsTo(r.Path).Unseen:
		resp = redirectWithoutQuery(r)
	case mediaType == "text/html":
		resp = Response{Status: status, Body: Body{textPiece(pageOfFiles(files))}}
		resp.Header.add("Content-Type", mediaType+"; charset=utf-8")
		resp.Header.add("Content-Security-Policy", pagePolicy)
	case mediaType == "application/json":
		resp = Response{Status: status, Body: Body{textPiece(jsonOfFiles(files))}}
		resp.Header.add("Content-Type", mediaType)
	default:
		resp = Response{Status: status, Body: Body{textPiece(textOfFiles(files))}}
		resp.Header.add("Content-Type", mediaType+"; charset=utf-8")
	}
	if resp.Status != statusSeeOther { // else failure has added them
		resp.Header.add("X-Content-Type-Options", "nosniff")
		resp.Header.vary("Accept")
	}
	p.finish(r, &resp)
	return resp
}

// textOfFiles has a line for each file. Names are quoted, because they may have line ends.
func textOfFiles(files []FileResult) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%d %s", f.Status, StatusText(f.Status))
		if f.Name != "" {
			fmt.Fprintf(&b, ": %q", f.Name)
		}
		if f.Reason != "" {
			fmt.Fprintf(&b, ": %s", f.Reason)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func jsonOfFiles(files []FileResult) string {
	type result struct {
		Name   string `json:"name,omitempty"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}
	var b strings.Builder
	b.WriteString("[\n")
	for i, f := range files {
		line, err := json.Marshal(result{f.Name, f.Status, f.Reason})
		if err != nil {
			continue // strings and numbers can be marshalled
		}
		b.Write(line)
		if i < len(files)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	return b.String()
}

// pageOfFiles is the page for people where the listing does not show what was saved.
func pageOfFiles(files []FileResult) string {
	var saved, failed, broken string
	for _, f := range files {
		name := "<li><b>" + listing.HTML(f.Name) + "</b>"
		switch {
		case f.Status < 400:
			saved += name + "\n"
		case f.Name == "":
			broken = "<p>" + html.EscapeString(f.Reason) + "\n"
		default:
			failed += name + ": " + html.EscapeString(f.Reason) + "\n"
		}
	}
	title := "Not all files were saved"
	switch {
	case failed+broken == "":
		title = "Saved"
	case saved == "":
		title = "Not saved"
	}
	var content string
	if saved != "" {
		content = "<p>These files are saved:\n<ul>\n" + saved + "</ul>\n"
	}
	if failed != "" {
		content += "<p>These files are not saved:\n<ul>\n" + failed + "</ul>\n"
	}
	return fmt.Sprintf(filesPage, title, content+broken)
}

// A page has no status in its title, because that of the first failure would be put before all files.
const filesPage = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%[1]s</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1rem; overflow-wrap: anywhere } h1 { font-size: 1.5rem }</style>
<h1>%[1]s</h1>
%[2]s<p><a href="./">Back to the directory</a>
</html>
`
