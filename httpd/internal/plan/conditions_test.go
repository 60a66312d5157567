package plan_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice/httpd/internal/plan"
)

func FuzzNextETag(f *testing.F) {
	for _, list := range []string{`"a", "b"`, `W/"a"`, `,,"`, `"a,b"c`, `x, "y"`} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		for list != "" {
			tag, rest := plan.NextETag(list)
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

func TestConditionsFollowTheOrderOfRFC9110(t *testing.T) {
	const etag = `"abc"`
	modified := time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)
	date := func(d time.Duration) string { return modified.Add(d).UTC().Format(http.TimeFormat) }
	now := modified.Add(time.Hour)
	type header = []string
	for _, tt := range []struct {
		name   string
		header header
		now    time.Time
		want   int
	}{
		{"no condition", nil, now, 200},
		{"If-None-Match that matches", header{"If-None-Match", `"abc"`}, now, 304},
		{"If-None-Match compares weakly", header{"If-None-Match", `W/"abc"`}, now, 304},
		{"If-None-Match in a list", header{"If-None-Match", `"x", "a,b" , "abc"`}, now, 304},
		{"If-None-Match in the second of two lines", header{"If-None-Match", `"x"`, "If-None-Match", `"abc"`}, now, 304},
		{"If-None-Match *", header{"If-None-Match", `*`}, now, 304},
		{"If-None-Match with a quoted asterisk is a tag", header{"If-None-Match", `"*"`}, now, 200},
		{"If-None-Match that does not match", header{"If-None-Match", `"x"`}, now, 200},
		{"If-None-Match without quotes matches nothing", header{"If-None-Match", `abc`}, now, 200},
		{"If-None-Match is exact about case", header{"If-None-Match", `"ABC"`}, now, 200},
		{"If-None-Match hides If-Modified-Since", header{"If-None-Match", `"x"`, "If-Modified-Since", date(0)}, now, 200},
		{"If-Modified-Since the same second", header{"If-Modified-Since", date(0)}, now, 304},
		{"If-Modified-Since later: the file was put back", header{"If-Modified-Since", date(time.Hour)}, now, 200},
		{"If-Modified-Since earlier", header{"If-Modified-Since", date(-time.Second)}, now, 200},
		{"If-Modified-Since in the form of RFC 850", header{"If-Modified-Since", "Sunday, 01-Mar-26 12:00:00 GMT"}, now, 304},
		{"If-Modified-Since in the form of asctime", header{"If-Modified-Since", "Sun Mar  1 12:00:00 2026"}, now, 304},
		{"If-Modified-Since that is no date", header{"If-Modified-Since", "yesterday"}, now, 200},
		{"If-Modified-Since twice is none", header{"If-Modified-Since", date(0), "If-Modified-Since", date(0)}, now, 200},
		{"If-Match that matches", header{"If-Match", `"abc"`}, now, 200},
		{"If-Match *", header{"If-Match", `*`}, now, 200},
		{"If-Match compares strongly", header{"If-Match", `W/"abc"`}, now, 412},
		{"If-Match that does not match", header{"If-Match", `"x"`}, now, 412},
		{"If-Match in a list", header{"If-Match", `"x","abc"`}, now, 200},
		{"If-Match hides If-Unmodified-Since", header{"If-Match", `"abc"`, "If-Unmodified-Since", date(-time.Hour)}, now, 200},
		{"If-Match fails before If-None-Match is looked at", header{"If-Match", `"x"`, "If-None-Match", `"abc"`}, now, 412},
		{"If-Match and then If-None-Match", header{"If-Match", `"abc"`, "If-None-Match", `"abc"`}, now, 304},
		{"If-Unmodified-Since the same second", header{"If-Unmodified-Since", date(0)}, now, 200},
		{"If-Unmodified-Since earlier", header{"If-Unmodified-Since", date(-time.Second)}, now, 412},
		{"If-Unmodified-Since that is no date", header{"If-Unmodified-Since", "tomorrow"}, now, 200},
		{"If-Unmodified-Since fails before If-Modified-Since is looked at", header{"If-Unmodified-Since", date(-time.Second), "If-Modified-Since", date(0)}, now, 412},
		{"Range", header{"Range", "bytes=10-19"}, now, 206},
		{"Range that cannot be", header{"Range", "bytes=1000-"}, now, 416},
		{"Range and If-None-Match that matches", header{"Range", "bytes=10-19", "If-None-Match", etag}, now, 304},
		{"Range that cannot be and If-None-Match that matches", header{"Range", "bytes=1000-", "If-None-Match", etag}, now, 304},
		{"Range and If-Match that fails", header{"Range", "bytes=10-19", "If-Match", `"x"`}, now, 412},
		{"If-Range with the tag", header{"Range", "bytes=10-19", "If-Range", etag}, now, 206},
		{"If-Range with a weak tag never matches", header{"Range", "bytes=10-19", "If-Range", `W/"abc"`}, now, 200},
		{"If-Range with another tag", header{"Range", "bytes=10-19", "If-Range", `"x"`}, now, 200},
		{"If-Range takes no list", header{"Range", "bytes=10-19", "If-Range", `"x", "abc"`}, now, 200},
		{"If-Range makes an impossible range harmless", header{"Range", "bytes=1000-", "If-Range", `"x"`}, now, 200},
		{"If-Range with the date", header{"Range", "bytes=10-19", "If-Range", date(0)}, now, 206},
		{"If-Range with a later date", header{"Range", "bytes=10-19", "If-Range", date(time.Hour)}, now, 200},
		{"If-Range with an earlier date", header{"Range", "bytes=10-19", "If-Range", date(-time.Hour)}, now, 200},
		{"If-Range with a date too young to be sure", header{"Range", "bytes=10-19", "If-Range", date(0)}, modified.Add(2 * time.Second), 200},
		{"If-Range without Range", header{"If-Range", `"x"`}, now, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.RespondTo(request("GET", tt.header...), etag, modified, nil, make([]byte, 1000), tt.now)
			if p.Status != tt.want {
				t.Errorf("got %d, want %d", p.Status, tt.want)
			}
			if got := p.Header.Get("Etag"); got != etag {
				t.Errorf("Etag %q, want %q", got, etag)
			}
		})
	}
}

func TestConditionsOnAnUnknownTimeAreIgnored(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	date := now.Format(http.TimeFormat)
	for name, header := range map[string][]string{
		"If-Modified-Since":   {"If-Modified-Since", date},
		"If-Unmodified-Since": {"If-Unmodified-Since", date},
		"If-Range":            {"If-Range", date, "Range", "bytes=0-0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan.RespondTo(request("GET", header...), `"abc"`, time.Time{}, nil, make([]byte, 10), now)
			if p.Status != 200 || p.Header.Get("Last-Modified") != "" {
				t.Errorf("got %d with %v, want 200 without a date", p.Status, p.Header)
			}
		})
	}
}
