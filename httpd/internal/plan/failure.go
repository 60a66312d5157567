package plan

import (
	"errors"
	"fmt"
	"html"
	"strconv"
	"strings"

	"sluice/internal/vfs"
)

// hints explain a status to people, and say what they can do.
var hints = map[int]string{
	statusForbidden:           "This may not be read here, or it lies outside of the served directory.",
	statusNotFound:            "There is nothing here. Names distinguish capital and small letters.",
	statusMethodNotAllowed:    "Files can only be read here.",
	statusPreconditionFailed:  "The file is not the one that you asked for. It has changed since.",
	statusRangeNotSatisfiable: "The file does not have so many bytes.",
	statusServiceUnavailable:  "Too much is going on. Try again soon.",
	statusContentTooLarge:     "This directory has too many files for one archive. Take a part of it.",
}

// failure answers with a status and a small page that names it: HTML for people,
// a line of text for programs.
func failure(r *Request, status int) Response {
	return failureBecause(r, status, hints[status], "")
}

// failureBecause is failure with a hint of its own for people, and a reason for
// programs, which is "" or is added to the line of text. Both are plain text.
func failureBecause(r *Request, status int, hint, reason string) Response {
	resp := Response{Status: status}
	name := StatusText(status)
	if preferred(r.Accept, "text/plain", "text/html") == "text/html" {
		resp.Header.add("Content-Type", "text/html; charset=utf-8")
		resp.Body = Body{textPiece(fmt.Sprintf(failurePage, status, name, hint))}
	} else {
		if reason != "" {
			reason = ": " + reason
		}
		resp.Header.add("Content-Type", "text/plain; charset=utf-8")
		resp.Body = Body{textPiece(fmt.Sprintf("%d %s%s\n", status, name, reason))}
	}
	resp.Header.add("X-Content-Type-Options", "nosniff")
	if status == statusServiceUnavailable {
		resp.Header.add("Retry-After", "1")
	}
	resp.Header.vary("Accept")
	return resp
}

// whyFailed returns the reason for clients if err is no failure of a file; "": it is one.
func whyFailed(err error) string {
	if failure := vfs.StoreFailure(err); failure != nil {
		_, why := OfStore(failure)
		return why
	}
	if errors.Is(err, vfs.ErrNotResponding) || vfs.IsUnavailable(err) {
		return "The file system where this is does not answer."
	}
	return ""
}

// OfStore returns the status for a result of vfs.StoreFailure, and the reason for clients.
func OfStore(failure error) (status int, why string) {
	text := failure.Error()
	why = strings.ToUpper(text[:1]) + text[1:] + ". Try again later."
	switch failure { //nolint:errorlint // it is one of three values
	case vfs.ErrStoreBusy:
		return statusServiceUnavailable, why
	case vfs.ErrStoreLate:
		return statusGatewayTimeout, why
	}
	return statusBadGateway, why
}

// overload answers 503, because so much is going on already that what does not fit.
func overload(r *Request, what string) Response {
	resp := failure(r, statusServiceUnavailable)
	resp.Reason = what
	return resp
}

// The reasons of an overload.
const (
	tooManyListed   = "listings with too many entries are being sent"
	tooManyArchived = "archives with too many files are being sent"
	clientGone      = "the client has not waited"
)

// explain is failure with the reason in words. A program that prefers JSON gets the
// members of RFC 9457. reason must have nothing of the request in it.
func explain(r *Request, status int, reason string, members ...Member) Response {
	resp := Response{Status: status}
	title := StatusText(status)
	var content string
	switch mediaType := preferred(r.Accept, "text/plain", "text/html", "application/json"); mediaType {
	case "application/json":
		resp.Header.add("Content-Type", mediaType)
		content = fmt.Sprintf(`{"status":%d,"title":%q,"detail":%q`, status, title, reason) + membersOf(members) + "}\n"
	case "text/html":
		resp.Header.add("Content-Type", mediaType+"; charset=utf-8")
		content = fmt.Sprintf(failurePage, status, title, html.EscapeString(reason))
	default:
		resp.Header.add("Content-Type", mediaType+"; charset=utf-8")
		content = fmt.Sprintf("%d %s: %s\n", status, title, reason)
	}
	resp.Body = Body{textPiece(content)}
	if status == statusForbidden || status >= statusInternalServerError {
		resp.Reason = reason
	}
	resp.Header.add("X-Content-Type-Options", "nosniff")
	if status == statusServiceUnavailable {
		resp.Header.add("Retry-After", "1")
	}
	resp.Header.vary("Accept")
	return resp
}

// Member is a further member of a refusal in JSON (RFC 9457, 3.2).
type Member struct {
	Name   string
	Text   string // if not ""
	Number int64  // otherwise
}

func membersOf(all []Member) (text string) {
	for _, m := range all {
		value := strconv.FormatInt(m.Number, 10)
		if m.Text != "" {
			value = strconv.Quote(m.Text)
		}
		text += `,"` + m.Name + `":` + value
	}
	return text
}

// The page repeats nothing of the request, so that nobody can put content into it.
const failurePage = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%[1]d %[2]s</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1rem }</style>
<h1>%[1]d %[2]s</h1>
<p>%[3]s
</html>
`
