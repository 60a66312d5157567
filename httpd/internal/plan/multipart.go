package plan

import (
	"crypto/rand"
	"fmt"
	"time"
)

// respondWithParts answers several ranges by a body of as many parts (RFC 9110,
// 14.6). The text between them is in memory, and the parts are cuts of the body, so
// that files are sent as in any other response. Content-Type moves to the parts;
// the other fields of the resource stay in the header. The body must not be in a
// content coding: nothing says whether the coding is that of the parts.
func respondWithParts(res *resource, ranges []byteRange, now time.Time) Response {
	resp := Response{Status: statusPartialContent}
	// The boundary has 130 random bits. Nobody could guess them when the file was
	// written, so no content looks like the end of a part.
	boundary := rand.Text()
	resp.Header.add("Content-Type", "multipart/byteranges; boundary="+boundary)
	for _, f := range res.fields {
		if f.Name != "Content-Type" {
			resp.Header = append(resp.Header, f)
		}
	}
	resp.Header.addValidators(res, now)
	resp.Header.add("Accept-Ranges", "bytes")

	size, lead := res.body.Size(), ""
	for _, r := range ranges {
		resp.Body = append(resp.Body, textPiece(fmt.Sprintf("%s--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n",
			lead, boundary, res.fields.get("Content-Type"), contentRange(r, size))))
		resp.Body = append(resp.Body, res.body.cut(r.off, r.n)...)
		lead = "\r\n"
	}
	resp.Body = append(resp.Body, textPiece("\r\n--"+boundary+"--\r\n"))
	return resp
}
