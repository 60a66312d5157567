package httpd

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"time"
)

// planParts answers several ranges by a body of as many parts (RFC 9110,
// 14.6). What stands between them is text, the parts are cuts of the body, so
// that they leave by the method of any other. Content-Type goes to the parts,
// the rest of the resource's fields stay on top. A body in a content coding
// has no place here: nothing says whether the coding is that of the parts.
func planParts(res *resource, ranges []byteRange, now time.Time) reply {
	rep := reply{status: http.StatusPartialContent}
	// The boundary is 130 bits that nobody could guess when the file was
	// written, so that no content can look like the end of a part.
	boundary := rand.Text()
	rep.header.add("Content-Type", "multipart/byteranges; boundary="+boundary)
	for _, f := range res.fields {
		if f.name != "Content-Type" {
			rep.header = append(rep.header, f)
		}
	}
	rep.header.validate(res, now)
	rep.header.add("Accept-Ranges", "bytes")

	size, lead := res.body.size(), ""
	for _, r := range ranges {
		rep.body = append(rep.body, text(fmt.Sprintf("%s--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n",
			lead, boundary, res.fields.get("Content-Type"), contentRange(r, size))))
		rep.body = append(rep.body, res.body.cut(r.off, r.n)...)
		lead = "\r\n"
	}
	rep.body = append(rep.body, text("\r\n--"+boundary+"--\r\n"))
	return rep
}
