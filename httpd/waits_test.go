package httpd_test

import (
	"net/http"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/budget"
)

// stranger is the party of a client that holds the only turn for checksums.
var stranger = budget.Party{Client: netip.MustParseAddr("192.0.2.66"), Account: "eve"}

// busyBudget returns a Budget in which the stranger has the only turn for checksums, and at most as many others wait as
// there are places.
func busyBudget(t *testing.T, places int) *httpd.Budget {
	t.Helper()
	shared := new(httpd.Budget)
	turns := budget.Of(shared).Checksums
	turns.SetBounds(budget.Bounds{Size: 1, Queue: places})
	if _, err := turns.TryTake(stranger, 1); err != nil {
		t.Fatal(err)
	}
	return shared
}

func TestARecordNamesWhatHeldItsRequestBack(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open a moment longer cannot be removed there")
	}
	for _, tt := range []struct {
		name, target string
		places       int
		noFastPath   bool
		status       int
		refused      string
	}{
		{"a checksum that is refused", "/f?sha256", 0, false, 503, "too many checksums of all clients"},
		{"a file that waited for its tag, on the fast path", "/f", 1, false, 200, ""},
		{"a file that waited for its tag, by net/http", "/f", 1, true, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) {
				handler(srv).ContentETags, handler(srv).Budget = true, busyBudget(t, tt.places)
				srv.NoFastPath = tt.noFastPath
			})
			s.write(t, "f", "content")
			resp, _ := s.do(t, "GET", tt.target, nil)
			rec := s.report(t)
			if resp.StatusCode != tt.status || rec.Status != tt.status || rec.By != "eve@192.0.2.66" {
				t.Errorf("status %d, recorded %+v, want %d because of eve", resp.StatusCode, rec, tt.status)
			}
			if tt.refused != rec.Reason || tt.refused == "" && (rec.Waited < 100*time.Millisecond || rec.For != "checksums") {
				t.Errorf("recorded %q, a wait of %v for %q, want %q, else a wait for checksums", rec.Reason, rec.Waited, rec.For, tt.refused)
			}
			if after := resp.Header.Get("Retry-After"); (after != "") != (tt.status == 503) {
				t.Errorf("Retry-After is %q", after)
			}
		})
	}
}

// A tag that stands in for that of the content must not be kept with the head for the fast path. The test uses a file of
// this folder, which is old enough for the tag of its content to be kept.
func TestAMakeshiftTagIsNotKept(t *testing.T) {
	root, err := httpd.Dir(".")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	shared := new(httpd.Budget)
	turns := budget.Of(shared).Checksums
	turns.SetBounds(budget.Bounds{Size: 1, Queue: 9})
	held, err := turns.TryTake(stranger, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(srv *httpd.Server) {
		handler(srv).ContentETags, handler(srv).Budget, handler(srv).FS = true, shared, root
	})
	tag := func(header http.Header) string {
		resp, _ := s.do(t, "GET", "/doc.go", header)
		return resp.Header.Get("Etag")
	}
	makeshift := tag(nil)
	held.Release()
	ofContent := tag(http.Header{"If-Match": {"*"}}) // waits for it
	if makeshift == "" || makeshift == ofContent {
		t.Errorf("the tags are %s and %s, want another one of the content", makeshift, ofContent)
	}
	if again := tag(nil); again != ofContent {
		t.Errorf("the tag is %s, then %s", ofContent, again)
	}
}
