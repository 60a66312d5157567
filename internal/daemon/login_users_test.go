package daemon

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"sluice/ftpd"
	"sluice/internal/account"
	"sluice/internal/config"
)

func TestLoginsFromOtherNetworksFailAsWrongPasswordsDo(t *testing.T) {
	const restricted = aliceTable + "networks = ['127.0.0.0/8']\n" + bobTable + "[user.anonymous]\nnetworks = ['127.0.0.0/8', '::1']\n"
	r := newReloadTest(t, confWith(t, restricted, nil))
	for _, tt := range []struct {
		name, user, addr string
		ok               bool
		reason           string // in the log
	}{
		{"a user", "alice", "127.0.0.1", true, ""},
		{"a user from elsewhere", "alice", "192.0.2.1", false, "may not log in from this address (networks of [user.alice])"},
		{"a user without networks", "bob", "192.0.2.1", true, ""},
		{"a guest", "anonymous", "::1", true, ""},
		{"a guest from elsewhere", "ftp", "192.0.2.1", false, "may not log in from this address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := ftpd.Client{Remote: netip.AddrPortFrom(netip.MustParseAddr(tt.addr), 1)}
			a, err := r.logIn(t.Context(), client, tt.user, "secret")
			if (err == nil) != tt.ok || (a != nil) != tt.ok {
				t.Fatalf("got %+v, %v, want a login: %v", a, err, tt.ok)
			}
			if !tt.ok && (!errors.Is(err, ftpd.ErrLogin) || !strings.Contains(err.Error(), tt.reason)) {
				t.Errorf("got %v, want %q", err, tt.reason)
			}
		})
	}
}

// HTTP does not know yet who may see what from where: it shows nothing, rather than all.
func TestHTTPShowsNothingIfGuestsHaveNetworks(t *testing.T) {
	d := newPages(t, account.Account{}, func(*config.Config) {})
	d.updatePages()
	if got := answer(d, "/top.txt"); got != "top" {
		t.Fatalf("got %v before", got)
	}
	if err := d.users.Restrict(account.Anonymous, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}); err != nil {
		t.Fatal(err)
	}
	d.updatePages()
	if got := answer(d, "/top.txt"); got != 404 {
		t.Errorf("got %v, want 404", got)
	}
}

func TestFTPCountsFailedLoginsWithTheOtherProtocols(t *testing.T) {
	s := newServer(t, func(c *config.Config) { c.FTP = []string{"127.0.0.1:0"} }).(*ftpd.Server)
	if s.Throttle == nil {
		t.Error("the FTP server has a Throttle of its own")
	}
}
