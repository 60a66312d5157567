package plan_test

import (
	"strings"
	"testing"

	"sluice/httpd/internal/plan"
)

func TestRulePatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{"*.js", []string{"/a.js", "/lib/deep/b.js"}, []string{"/a.css", "/a.js/b", "/"}},
		{"*", []string{"/", "/a", "/a/b/"}, nil},
		{"/", []string{"/"}, []string{"/a"}},
		{"/*.js", []string{"/a.js"}, []string{"/lib/a.js"}},
		{"/assets/**", []string{"/assets", "/assets/", "/assets/a", "/assets/a/b.js"}, []string{"/asset", "/x/assets/a"}},
		{"/**/*.js", []string{"/a.js", "/x/y/a.js"}, []string{"/a.css"}},
		{"/**", []string{"/", "/a/b"}, nil},
		{"/a/**/b/**/c", []string{"/a/b/c", "/a/x/b/y/z/c", "/a/b/b/c/c"}, []string{"/a/c", "/a/b/c/d"}},
		{"docs/v?", []string{"/docs/v1", "/docs/v2/"}, []string{"/docs/v10", "/x/docs/v1"}},
		{"/[ab].txt", []string{"/a.txt", "//a.txt", "/x/../b.txt"}, []string{"/c.txt"}},
		{"[", nil, []string{"/[", "/a"}},
	} {
		for _, path := range tt.yes {
			if !plan.RuleMatches(tt.pattern, path) {
				t.Errorf("%s does not match %s", tt.pattern, path)
			}
		}
		for _, path := range tt.no {
			if plan.RuleMatches(tt.pattern, path) {
				t.Errorf("%s matches %s", tt.pattern, path)
			}
		}
	}
}

func TestParseRule(t *testing.T) {
	for rule, want := range map[string]plan.Rule{
		"*.js Cache-Control: max-age=60, public": {Pattern: "*.js", Name: "Cache-Control", Value: "max-age=60, public"},
		"/** x-frame-options:DENY":               {Pattern: "/**", Name: "X-Frame-Options", Value: "DENY"},
		"* Server:":                              {Pattern: "*", Name: "Server"},
		"*   Link : <a>; rel=b":                  {Pattern: "*", Name: "Link", Value: "<a>; rel=b"},
	} {
		if got, err := plan.ParseRule(rule); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", rule, got, err, want)
		}
	}
	for rule, want := range map[string]string{
		"":                       "a rule is",
		"*.js":                   "a rule is",
		"*.js Cache-Control":     "a rule is",
		"Cache-Control: x":       "a rule is",
		"[ A: b":                 "pattern",
		"* bad name: x":          "not a valid name",
		"* A: x\r\nB: y":         "control",
		"* content-length: 1":    "the server's",
		"* Transfer-Encoding: x": "the server's",
		"* ETag: x":              "the server's",
	} {
		if got, err := plan.ParseRule(rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v, want an error with %q", rule, got, err, want)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	f.Add("*.js Cache-Control: max-age=60", "/a.js")
	f.Add("/a/**/b/**/[^x] A: b", "/a/b/c/d")
	f.Fuzz(func(t *testing.T, rule, path string) {
		r, err := plan.ParseRule(rule)
		if err != nil {
			return
		}
		if strings.ContainsAny(r.Name+r.Value, "\r\n") || strings.ContainsAny(r.Name, " :") {
			t.Errorf("%q: %+v breaks the header", rule, r)
		}
		plan.RuleMatches(r.Pattern, "/"+path)
	})
}
