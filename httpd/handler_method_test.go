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

// Files in several ranges and in archives are sent by sendfile; only the bytes around
// them are copied.
func TestFilesGoBySendfileInPartsAndArchives(t *testing.T) {
	const size = 1<<20 + 3
	for _, noFastPath := range []bool{false, true} {
		s := serve(t, func(srv *httpd.Server) { handler(srv).Archives, srv.NoFastPath = true, noFastPath })
		s.pattern(t, "a.bin", size)
		s.pattern(t, "b.bin", size)
		check := func(name string, fromFiles int64) {
			t.Helper()
			record := s.report(t)
			if record.Err != nil || record.Method != fastMethod || fastMethod == sendfile.Sendfile && record.ZeroCopied != fromFiles {
				t.Errorf("%s, fast path %v: recorded %+v, want %d bytes of files by %v", name, !noFastPath, record, fromFiles, fastMethod)
			}
		}

		resp, body := s.do(t, "GET", "/a.bin", http.Header{"Range": {"bytes=0-299999,500000-799999"}})
		headers, contents := parts(t, resp.Header.Get("Content-Type"), strings.NewReader(body))
		if len(contents) != 2 || sha256.Sum256([]byte(contents[1])) != nettest.PatternSum(500_000, 300_000) {
			t.Errorf("%s with the parts %v, want the two that were requested", resp.Status, headers)
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
		s.report(t)
	}
}
