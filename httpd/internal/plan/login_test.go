package plan_test

import (
	"testing"

	"sluice/httpd/internal/plan"
)

// fieldOf returns the value of a field of a response, and how often it is there.
func fieldOf(resp *plan.Response, name string) (value string, n int) {
	for _, f := range resp.Header {
		if f.Name == name {
			value = f.Value
			n++
		}
	}
	return value, n
}

func TestNoRuleMakesAResponseToAUserPublic(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"Cache-Control", "public, max-age=60", "private, max-age=60"},
		{"Cache-Control", "Public , S-MaxAge=60,proxy-revalidate, immutable", "private, immutable"},
		{"Cache-Control", "no-store", "private, no-store"},
		{"Cache-Control", "private", "private"},
		{"Cache-Control", `private="x", no-cache`, "private, no-cache"},
		{"Cache-Control", "", "private"},
		{"Cdn-Cache-Control", "max-age=60", "private"},
		{"Surrogate-Control", "max-age=60", "private"},
		{"X-Accel-Expires", "60", "private"},
		{"Vary", "", "private"},
	} {
		p := planner(t, plan.Config{Private: true, Rules: []plan.Rule{{Pattern: "/**", Name: tt.name, Value: tt.value}}}, "/f")
		pl := p.Plan(target("/f"), plan.Lookup{})
		resp := pl.Respond(t.Context())
		got, n := fieldOf(&resp, "Cache-Control")
		if got != tt.want || n != 1 {
			t.Errorf("%s: %s: Cache-Control: %s, %d times, want %s", tt.name, tt.value, got, n, tt.want)
		}
		if tt.name != "Cache-Control" {
			if value, n := fieldOf(&resp, tt.name); n > 0 && tt.name != "Vary" {
				t.Errorf("%s: %s is still there", tt.name, value)
			}
		}
		if vary, _ := fieldOf(&resp, "Vary"); vary != "Authorization, Cookie" {
			t.Errorf("%s: %s: Vary: %s", tt.name, tt.value, vary)
		}
		resp.Release()
	}
}

func TestAGuestIsAskedForALogin(t *testing.T) {
	for _, tt := range []struct {
		name, target          string
		logins, private, none bool
		want                  bool
	}{
		{name: "without logins", target: "/?login"},
		{name: "by the query of a directory", target: "/?login", logins: true, want: true},
		{name: "by one word of the query", target: "/missing/?sort=name&login", logins: true, want: true},
		{name: "not by that of a file", target: "/f?login", logins: true},
		{name: "not by another query", target: "/?logins", logins: true},
		{name: "if there are no files", target: "/f", logins: true, none: true, want: true},
		{name: "but not a user", target: "/?login", private: true},
		{name: "nor one without files", target: "/f", private: true, none: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := planner(t, plan.Config{Private: tt.private}, "/f")
			if tt.none {
				p = plan.New(plan.Config{Private: tt.private})
			}
			if tt.logins {
				p.AllowLogins(true)
			}
			pl := p.Plan(target(tt.target), plan.Lookup{})
			defer pl.Release()
			if pl.AsksLogin != tt.want {
				t.Errorf("AsksLogin = %v, want %v", pl.AsksLogin, tt.want)
			}
		})
	}
}
