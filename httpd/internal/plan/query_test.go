package plan_test

import (
	"testing"

	"sluice/httpd/internal/plan"
)

// Other servers and their clients use the same words with values, as in the links of nginx's secure_link.
func TestOnlyABareWordOfAQueryCounts(t *testing.T) {
	for _, tt := range []struct{ target, want string }{
		{"/f?sha256", "text/plain; charset=utf-8"},
		{"/f?sha256=", "text/plain; charset=utf-8"}, // of a form
		{"/f?v=2&md5", "text/plain; charset=utf-8"},
		{"/f?md5=abc&expires=123", "application/octet-stream"},
		{"/f?sha256=1", "application/octet-stream"},
		{"/f?sha2567", "application/octet-stream"},
		{"/d/?zip", "application/zip"},
		{"/d/?zip=", "application/zip"},
		{"/d/?tar.gz", "application/gzip"},
		{"/d/?tar", "application/x-tar"},
		{"/d/?zip=90210", "text/html; charset=utf-8"},
		{"/d/?tar=x", "text/html; charset=utf-8"},
		{"/d/?a=zip", "text/html; charset=utf-8"},
	} {
		p := planner(t, plan.Config{Archives: true}, "/f", "/d/a")
		p.DetectType = nil
		pl := p.Plan(target(tt.target), plan.Lookup{})
		resp := pl.Respond(t.Context())
		if got := field(resp.Header, "Content-Type"); got != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.target, resp.Status, got, tt.want)
		}
		resp.Release()
	}
	for query, want := range map[string]bool{"download": true, "download=": true, "x=1&download": true, "download=1": false, "": false} {
		p := planner(t, plan.Config{}, "/f")
		pl := p.Plan(target("/f?"+query), plan.Lookup{})
		resp := pl.Respond(t.Context())
		if got := field(resp.Header, "Content-Disposition") != ""; got != want {
			t.Errorf("?%s: a file to be saved: %v, want %v", query, got, want)
		}
		resp.Release()
	}
	for query, want := range map[string]string{"login": "login", "login=": "login", "logout": "logout", "login=1": "", "a=login": "", "": ""} {
		if got := plan.LoginStep(query); got != want {
			t.Errorf("?%s: %q, want %q", query, got, want)
		}
	}
}
