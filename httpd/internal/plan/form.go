package plan

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
)

// FileResult is what came of one file of a form.
type FileResult struct {
	Name   string // as the client has sent it; "": of the whole form
	Status int    // as for PUT
	Reason string // "": the file is saved
}

// Stored answers a form with what came of each file. The status is that of the first file
// that was not saved, or else 200. A browser is sent to the directory if all are saved.
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
	case mediaType == "text/html" && status == statusOK:
		resp = redirectWithoutQuery(r)
	case mediaType == "text/html":
		resp = Response{Status: status, Body: Body{textPiece(pageOfFiles(status, files))}}
		resp.Header.add("Content-Type", mediaType+"; charset=utf-8")
		resp.Header.add("Content-Security-Policy", pagePolicy)
	case mediaType == "application/json":
		resp = Response{Status: status, Body: Body{textPiece(jsonOfFiles(files))}}
		resp.Header.add("Content-Type", mediaType)
	default:
		resp = Response{Status: status, Body: Body{textPiece(textOfFiles(files))}}
		resp.Header.add("Content-Type", mediaType+"; charset=utf-8")
	}
	if status != statusOK || mediaType != "text/html" { // else failure has added them
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

// pageOfFiles is the page for people if a file was not saved.
func pageOfFiles(status int, files []FileResult) string {
	saved, failed := 0, ""
	for _, f := range files {
		switch {
		case f.Status < 400:
			saved++
		case f.Name == "":
			failed += "<li>" + html.EscapeString(f.Reason) + "\n"
		default:
			failed += "<li><b>" + html.EscapeString(f.Name) + "</b>: " + html.EscapeString(f.Reason) + "\n"
		}
	}
	list := fmt.Sprintf("Saved: %d. Not saved:\n<ul>\n%s</ul>\n<p><a href=\"./\">Back to the directory</a>", saved, failed)
	return fmt.Sprintf(failurePage, status, "Not all files were saved", list)
}
