package plan_test

import (
	"net/url"
	"strings"
	"testing"

	"sluice/httpd/internal/plan"
)

// Wherever a login or logout leads, it is a path of the same host.
func FuzzAfterLogin(f *testing.F) {
	for _, uri := range []string{"/", "/a/b?login", "//evil/?login", "//evil?login", "/\\evil", "/%2f%2fevil", "/%5cevil?x=//y", "/javascript:alert(1)", "/a/..?login", "/%0d%0aX:y", "*"} {
		path, query, _ := strings.Cut(uri, "?")
		f.Add(uri, path, query)
	}
	f.Fuzz(func(t *testing.T, uri, path, query string) {
		if !strings.HasPrefix(uri, "/") || strings.ContainsAny(uri+query, "\r\n\x00 ") { // as in every request line
			return
		}
		target := plan.AfterLogin(&plan.Request{URI: uri, Path: path, Query: query})
		reference, rest, _ := strings.Cut(target, "?")
		if !strings.HasPrefix(reference, "./") || strings.ContainsAny(reference[2:], "/\\\r\n\x00 ") {
			t.Errorf("%q, %q, %q lead to %q", uri, path, query, target)
		}
		if strings.ContainsAny(target, "\r\n") {
			t.Errorf("%q, %q, %q end the line: %q", uri, path, query, target)
		}
		if words, err := url.ParseQuery(rest); err == nil && (words.Has("login") || words.Has("logout")) {
			t.Errorf("%q leads to another step: %q", query, target)
		}
	})
}

// No part of a request becomes a part of the page that is not text.
func TestTheLoginPageEscapesTheRequest(t *testing.T) {
	p := planner(t, plan.Config{}, "/f")
	r := target("/f")
	r.Query = `a="><script>alert(1)</script>&login`
	resp := p.Refuse(r, plan.Refusal{Status: 401, Reason: "<b>", Page: plan.LoginForm})
	defer resp.Release()
	body := contentOf(t, resp.Body)
	if strings.Contains(body, "<script>") || strings.Contains(body, "<b>") || !strings.Contains(body, `action="?login&amp;a=&#34;&gt;&lt;script&gt;`) {
		t.Errorf("the page is\n%s", body)
	}
	if policy, _ := fieldOf(&resp, "Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("Content-Security-Policy: %s", policy)
	}
}
