package daemon

import (
	"strings"
	"testing"

	"sluice/internal/config"
)

func TestTheGreetingHasOnlyPasswordsThatWereMadeUp(t *testing.T) {
	var out strings.Builder
	err := printGreeting(&out, []string{"http://localhost:8080/", "ftp://localhost:2121/"}, []config.Login{
		{Name: "alice", Password: "aaaa-bbbb-cccc-dddd", MadeUp: true},
		{Name: "bob", Password: "tops3cret"},
	})
	want := "http://localhost:8080/\nftp://localhost:2121/\nuser alice, password aaaa-bbbb-cccc-dddd\n"
	if err != nil || out.String() != want {
		t.Errorf("got %v and\n%s, want\n%s", err, out.String(), want)
	}
}
