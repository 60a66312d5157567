package httpd

import (
	"fmt"
	"net/http"
	"strconv"
)

// fail answers with a status and a line that names it. Header fields that
// belong to the answer are set before.
func fail(w http.ResponseWriter, r *http.Request, status int) outcome {
	page := fmt.Sprintf("%d %s\n", status, http.StatusText(status))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	o := outcome{status: status}
	if r.Method != http.MethodHead {
		n, err := fmt.Fprint(w, page)
		o.res.Sent, o.err = int64(n), err
	}
	return o
}
