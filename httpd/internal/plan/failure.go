package httpd

import (
	"fmt"
	"net/http"
)

// hints say what a status does not: what the client may do about it.
var hints = map[int]string{
	http.StatusForbidden:                    "The server may not read this, or it does not lie in what is served.",
	http.StatusNotFound:                     "There is nothing here. Names distinguish capital and small letters.",
	http.StatusMethodNotAllowed:             "Files can only be read here.",
	http.StatusPreconditionFailed:           "The file is not the one that you asked for. It has changed since.",
	http.StatusRequestedRangeNotSatisfiable: "The file does not have so many bytes.",
	http.StatusServiceUnavailable:           "Too much is going on. Try again soon.",
	http.StatusRequestEntityTooLarge:        "This directory has too many files for one archive. Take a part of it.",
}

// failure answers with a status and a small page that names it, for people as
// HTML and for programs as a line.
func failure(a *ask, status int) reply {
	rep := reply{status: status}
	name := http.StatusText(status)
	if prefers(a.accept, "text/plain", "text/html") == "text/html" {
		rep.header.add("Content-Type", "text/html; charset=utf-8")
		rep.body = body{text(fmt.Sprintf(failurePage, status, name, hints[status]))}
	} else {
		rep.header.add("Content-Type", "text/plain; charset=utf-8")
		rep.body = body{text(fmt.Sprintf("%d %s\n", status, name))}
	}
	rep.header.add("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable {
		rep.header.add("Retry-After", "1")
	}
	rep.header.vary("Accept")
	return rep
}

// The page repeats nothing of the request, so that nothing in it can be
// anybody else's.
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
