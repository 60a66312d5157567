package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd/internal/plan"
)

func TestPreferred(t *testing.T) {
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	for _, tt := range []struct{ name, accept, want string }{
		{"nothing said", "", "text/html"},
		{"anything", "*/*", "text/html"},
		{"a browser", browser, "text/html"},
		{"a program", "application/json", "application/json"},
		{"a program that takes the other too", "application/json, text/html;q=0.5", "application/json"},
		{"a program that takes anything else", "application/json, */*;q=0.1", "application/json"},
		{"capital letters", "Application/JSON", "application/json"},
		{"parameters do not count", "application/json; indent=4", "application/json"},
		{"the kind", "application/*", "application/json"},
		{"a type that is refused by name", "text/html;q=0, */*", "application/json"},
		{"the specific before the general", "*/*;q=1, application/json;q=0.2, text/html;q=0.1", "application/json"},
		{"neither", "image/png", "text/html"},
		{"nonsense", ";;;q=,,", "text/html"},
		{"an invalid weight", "application/json;q=high", "text/html"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := plan.Preferred(tt.accept, "text/html", "application/json"); got != tt.want {
				t.Errorf("%q: got %s, want %s", tt.accept, got, tt.want)
			}
		})
	}
}

func TestAcceptedCodings(t *testing.T) {
	for _, tt := range []struct {
		name, field string
		want        []string
	}{
		{"nothing said is none", "", nil},
		{"a browser", "gzip, deflate, br, zstd", []string{"zstd", "br", "gzip"}},
		{"one", "gzip", []string{"gzip"}},
		{"the old name", "x-gzip", []string{"gzip"}},
		{"capital letters", "GZIP", []string{"gzip"}},
		{"by weight", "zstd;q=0.1, gzip;q=0.9, br;q=0.5", []string{"gzip", "br", "zstd"}},
		{"refused", "br;q=0, gzip", []string{"gzip"}},
		{"anything", "*", []string{"zstd", "br", "gzip"}},
		{"anything but one", "br;q=0, *", []string{"zstd", "gzip"}},
		{"rather none", "identity, gzip;q=0.5", nil},
		{"none refused", "identity;q=0, gzip;q=0.1", []string{"gzip"}},
		{"only codings that are not offered", "compress, deflate", nil},
		{"nonsense", "q=1;;, ,;gzip", nil},
		{"more than full weight is no weight", "gzip;q=1.001", nil},
		{"too many decimals", "gzip;q=0.1234", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, plan.AcceptedCodings(tt.field)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", tt.field, diff)
			}
		})
	}
}

func FuzzAcceptedCodings(f *testing.F) {
	for _, field := range []string{"gzip, br", "gzip;q=0.5", "*;q=0", "identity;q=1, *;q=0.5", "gzip;q=1.", ";q"} {
		f.Add(field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		for i, name := range plan.AcceptedCodings(field) {
			if !strings.Contains(strings.ToLower(field), name) && !strings.Contains(field, "*") {
				t.Errorf("%q: %s was not asked for", field, name)
			}
			if slices.Contains(plan.AcceptedCodings(field)[:i], name) {
				t.Errorf("%q: %s twice", field, name)
			}
		}
	})
}
