package httpd_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd"
)

func TestParseRange(t *testing.T) {
	const big = "99999999999999999999999999"
	for _, tt := range []struct {
		name   string
		header string
		size   int64
		off, n int64
		ok     bool
		err    error
	}{
		{"a closed range", "bytes=0-499", 1000, 0, 500, true, nil},
		{"a range of one byte", "bytes=5-5", 1000, 5, 1, true, nil},
		{"an open range", "bytes=900-", 1000, 900, 100, true, nil},
		{"a suffix", "bytes=-100", 1000, 900, 100, true, nil},
		{"a suffix longer than the file", "bytes=-2000", 1000, 0, 1000, true, nil},
		{"an end beyond the file", "bytes=900-2000", 1000, 900, 100, true, nil},
		{"an end beyond every file", "bytes=900-" + big, 1000, 900, 100, true, nil},
		{"a suffix beyond every file", "bytes=-" + big, 1000, 0, 1000, true, nil},
		{"the unit in capitals", "BYTES=0-0", 1000, 0, 1, true, nil},
		{"space around the range", "bytes= 0-0 ", 1000, 0, 1, true, nil},
		{"a begin at the end", "bytes=1000-", 1000, 0, 0, false, httpd.ErrUnsatisfiable},
		{"a begin beyond every file", "bytes=" + big + "-", 1000, 0, 0, false, httpd.ErrUnsatisfiable},
		{"the last no bytes", "bytes=-0", 1000, 0, 0, false, httpd.ErrUnsatisfiable},
		{"the first byte of nothing", "bytes=0-0", 0, 0, 0, false, httpd.ErrUnsatisfiable},
		{"the end of nothing is all of it", "bytes=-5", 0, 0, 0, false, nil},
		{"several ranges are answered whole", "bytes=0-1,3-4", 1000, 0, 0, false, nil},
		{"another unit", "lines=0-1", 1000, 0, 0, false, nil},
		{"no unit", "0-1", 1000, 0, 0, false, nil},
		{"no range", "bytes=", 1000, 0, 0, false, nil},
		{"only a hyphen", "bytes=-", 1000, 0, 0, false, nil},
		{"backwards", "bytes=5-4", 1000, 0, 0, false, nil},
		{"a sign", "bytes=+1-2", 1000, 0, 0, false, nil},
		{"a negative begin", "bytes=--1", 1000, 0, 0, false, nil},
		{"hexadecimal", "bytes=0x1-0x2", 1000, 0, 0, false, nil},
		{"space inside", "bytes=1 -2", 1000, 0, 0, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			off, n, ok, err := httpd.ParseRange(tt.header, tt.size)
			if off != tt.off || n != tt.n || ok != tt.ok || !errors.Is(err, tt.err) {
				t.Errorf("got %d bytes at %d, %v, %v, want %d at %d, %v, %v", n, off, ok, err, tt.n, tt.off, tt.ok, tt.err)
			}
		})
	}
}

func FuzzParseRange(f *testing.F) {
	for _, header := range []string{"bytes=0-", "bytes=-1", "bytes=5-4", "bytes=9223372036854775807-", "bytes=0-9223372036854775807"} {
		f.Add(header, int64(1000))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		off, n, ok, err := httpd.ParseRange(header, size)
		if ok && (off < 0 || n < 1 || off > size-n) {
			t.Errorf("%q of %d: %d bytes at %d are not inside", header, size, n, off)
		}
		if ok && err != nil {
			t.Errorf("%q of %d: both a range and %v", header, size, err)
		}
	})
}

func FuzzNextETag(f *testing.F) {
	for _, list := range []string{`"a", "b"`, `W/"a"`, `,,"`, `"a,b"c`, `x, "y"`} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		for list != "" {
			tag, rest := httpd.NextETag(list)
			if len(rest) >= len(list) {
				t.Fatalf("%q: no progress, %q remains", list, rest)
			}
			if opaque := strings.TrimPrefix(tag, "W/"); tag != "" && (len(opaque) < 2 || opaque[0] != '"' || strings.Count(opaque, `"`) != 2) {
				t.Fatalf("%q: %q is no entity tag", list, tag)
			}
			list = rest
		}
	})
}

func TestPlanFollowsTheOrderOfRFC9110(t *testing.T) {
	const etag = `"abc"`
	modified := time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)
	date := func(d time.Duration) string { return modified.Add(d).UTC().Format(http.TimeFormat) }
	now := modified.Add(time.Hour)
	type header map[string]string
	for _, tt := range []struct {
		name   string
		header header
		now    time.Time
		want   int
		off, n int64
	}{
		{"no condition", nil, now, 200, 0, 1000},
		{"If-None-Match that matches", header{"If-None-Match": `"abc"`}, now, 304, 0, 0},
		{"If-None-Match compares weakly", header{"If-None-Match": `W/"abc"`}, now, 304, 0, 0},
		{"If-None-Match in a list", header{"If-None-Match": `"x", "a,b" , "abc"`}, now, 304, 0, 0},
		{"If-None-Match *", header{"If-None-Match": `*`}, now, 304, 0, 0},
		{"If-None-Match that does not match", header{"If-None-Match": `"x"`}, now, 200, 0, 1000},
		{"If-None-Match without quotes matches nothing", header{"If-None-Match": `abc`}, now, 200, 0, 1000},
		{"If-None-Match hides If-Modified-Since", header{"If-None-Match": `"x"`, "If-Modified-Since": date(0)}, now, 200, 0, 1000},
		{"If-Modified-Since the same second", header{"If-Modified-Since": date(0)}, now, 304, 0, 0},
		{"If-Modified-Since later", header{"If-Modified-Since": date(time.Hour)}, now, 304, 0, 0},
		{"If-Modified-Since earlier", header{"If-Modified-Since": date(-time.Second)}, now, 200, 0, 1000},
		{"If-Modified-Since that is no date", header{"If-Modified-Since": "yesterday"}, now, 200, 0, 1000},
		{"If-Match that matches", header{"If-Match": `"abc"`}, now, 200, 0, 1000},
		{"If-Match *", header{"If-Match": `*`}, now, 200, 0, 1000},
		{"If-Match compares strongly", header{"If-Match": `W/"abc"`}, now, 412, 0, 0},
		{"If-Match that does not match", header{"If-Match": `"x"`}, now, 412, 0, 0},
		{"If-Match hides If-Unmodified-Since", header{"If-Match": `"abc"`, "If-Unmodified-Since": date(-time.Hour)}, now, 200, 0, 1000},
		{"If-Match fails before If-None-Match is looked at", header{"If-Match": `"x"`, "If-None-Match": `"abc"`}, now, 412, 0, 0},
		{"If-Unmodified-Since the same second", header{"If-Unmodified-Since": date(0)}, now, 200, 0, 1000},
		{"If-Unmodified-Since earlier", header{"If-Unmodified-Since": date(-time.Second)}, now, 412, 0, 0},
		{"If-Match and then If-None-Match", header{"If-Match": `"abc"`, "If-None-Match": `"abc"`}, now, 304, 0, 0},
		{"Range", header{"Range": "bytes=10-19"}, now, 206, 10, 10},
		{"Range that cannot be", header{"Range": "bytes=1000-"}, now, 416, 0, 0},
		{"Range and If-None-Match that matches", header{"Range": "bytes=10-19", "If-None-Match": etag}, now, 304, 0, 0},
		{"If-Range with the tag", header{"Range": "bytes=10-19", "If-Range": etag}, now, 206, 10, 10},
		{"If-Range with a weak tag never matches", header{"Range": "bytes=10-19", "If-Range": `W/"abc"`}, now, 200, 0, 1000},
		{"If-Range with another tag", header{"Range": "bytes=10-19", "If-Range": `"x"`}, now, 200, 0, 1000},
		{"If-Range makes an impossible range harmless", header{"Range": "bytes=1000-", "If-Range": `"x"`}, now, 200, 0, 1000},
		{"If-Range with the date", header{"Range": "bytes=10-19", "If-Range": date(0)}, now, 206, 10, 10},
		{"If-Range with a later date", header{"Range": "bytes=10-19", "If-Range": date(time.Hour)}, now, 200, 0, 1000},
		{"If-Range with a date too young to be sure", header{"Range": "bytes=10-19", "If-Range": date(0)}, modified.Add(time.Second - 1), 200, 0, 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			for name, value := range tt.header {
				h.Set(name, value)
			}
			p := httpd.PlanFile(h, etag, modified, 1000, tt.now)
			if p.Status != tt.want || p.Off != tt.off || p.N != tt.n {
				t.Errorf("got %d with %d bytes at %d, want %d with %d at %d", p.Status, p.N, p.Off, tt.want, tt.n, tt.off)
			}
			if got := p.Header.Get("Etag"); got != etag {
				t.Errorf("Etag %q, want %q", got, etag)
			}
		})
	}
}

func TestPlanHeaders(t *testing.T) {
	modified := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := modified.Add(time.Hour)
	common := map[string]string{"Etag": `"abc"`, "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT", "Accept-Ranges": "bytes"}
	for _, tt := range []struct {
		name string
		req  http.Header
		more map[string]string
	}{
		{"200", nil, map[string]string{"Content-Type": "text/plain; charset=utf-8", "Content-Length": "1000"}},
		{"206", http.Header{"Range": {"bytes=-10"}}, map[string]string{"Content-Type": "text/plain; charset=utf-8", "Content-Length": "10", "Content-Range": "bytes 990-999/1000"}},
		{"304 has neither type nor length", http.Header{"If-None-Match": {"*"}}, nil},
		{"416 tells the size", http.Header{"Range": {"bytes=-0"}}, map[string]string{"Content-Range": "bytes */1000"}},
		{"two Range lines are none", http.Header{"Range": {"bytes=0-1", "bytes=2-3"}}, map[string]string{"Content-Type": "text/plain; charset=utf-8", "Content-Length": "1000"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := http.Header{}
			for _, fields := range []map[string]string{common, tt.more} {
				for name, value := range fields {
					want.Set(name, value)
				}
			}
			got := httpd.PlanFile(tt.req, `"abc"`, modified, 1000, now).Header
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
	if got := httpd.PlanFile(nil, `"abc"`, now.Add(time.Hour), 1000, now).Header.Get("Last-Modified"); got != "" {
		t.Errorf("Last-Modified %s of a file from the future, want none", got)
	}
}

func TestTypeOf(t *testing.T) {
	for name, want := range map[string]string{
		"index.html": "text/html; charset=utf-8",
		"A.TXT":      "text/plain; charset=utf-8",
		"x.tar.gz":   "application/gzip",
		"noext":      "application/octet-stream",
		"x.unknown":  "application/octet-stream",
		"film.mp4":   "video/mp4",
	} {
		if got := httpd.TypeOf(name); got != want {
			t.Errorf("TypeOf(%q) = %q, want %q", name, got, want)
		}
	}
}
