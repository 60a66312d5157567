package listing_test

import (
	"strings"
	"testing"

	"sluice/httpd/internal/listing"
)

func TestThePageSaysWhoTheClientIs(t *testing.T) {
	tags := make(map[string]bool)
	for _, tt := range []struct {
		login listing.Login
		want  string // after the search
	}{
		{listing.Login{}, ""},
		{listing.Login{CanLogIn: true}, `<form><input type="hidden" name="login" value=""><button>Log in</button></form>` + "\n"},
		{listing.Login{User: "<b>&alice"}, "<div>&lt;b&gt;&amp;alice</div>\n"},
		{listing.Login{User: "alice", CanLogOut: true}, `<div>alice <form method="post" action="?logout"><button>Log out</button></form></div>` + "\n"},
	} {
		l := listing.New("/", "", nil, nil)
		l.Login = tt.login
		var page strings.Builder
		if err := l.WriteHTML(&page); err != nil {
			t.Fatal(err)
		}
		header, _, _ := strings.Cut(page.String(), "</header>")
		if _, got, _ := strings.Cut(header, "aria-label=\"Search\" value=\"\"></form>\n"); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.login, got, tt.want)
		}
		tags[l.ETag("HTML")] = true
	}
	if len(tags) != 4 {
		t.Errorf("%d entity tags for 4 pages", len(tags))
	}
}
