package httpd_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// Whatever a file is a part of, it goes by sendfile, and only what stands
// around it is copied.
func TestFilesGoBySendfileInPartsAndArchives(t *testing.T) {
	const size = 1<<20 + 3
	for _, noFastLane := range []bool{false, true} {
		s := serve(t, func(srv *httpd.Server) { handler(srv).Archives, srv.NoFastPath = true, noFastLane })
		s.pattern(t, "a.bin", size)
		s.pattern(t, "b.bin", size)
		check := func(name string, fromFiles int64) {
			t.Helper()
			told := s.last(t)
			if told.Err != nil || told.Method != fastMethod || fastMethod == sendfile.Sendfile && told.ZeroCopied != fromFiles {
				t.Errorf("%s, fast lane %v: told %+v, want %d bytes of files by %v", name, !noFastLane, told, fromFiles, fastMethod)
			}
		}

		resp, body := s.do(t, "GET", "/a.bin", http.Header{"Range": {"bytes=0-299999,500000-799999"}})
		headers, contents := parts(t, resp.Header.Get("Content-Type"), strings.NewReader(body))
		if len(contents) != 2 || sha256.Sum256([]byte(contents[1])) != nettest.PatternSum(500_000, 300_000) {
			t.Errorf("%s with the parts %v, want two with what was asked for", resp.Status, headers)
		}
		check("two ranges", 600_000)

		resp, body = s.do(t, "GET", "/?zip", nil)
		if files := unzip(t, []byte(body)); sha256.Sum256([]byte(files["b.bin"])) != nettest.PatternSum(0, size) || resp.ContentLength != int64(len(body)) {
			t.Errorf("%s with %d bytes of %d and %d files", resp.Status, len(body), resp.ContentLength, len(files))
		}
		check("a zip", 2*size)

		_, rest := s.do(t, "GET", "/?zip", http.Header{"Range": {fmt.Sprintf("bytes=%d-", size/2)}})
		if rest != body[size/2:] {
			t.Errorf("the rest of the zip is %d other bytes, want the last %d", len(rest), len(body)-size/2)
		}
		s.last(t)
	}
}
