package account_test

import (
	"errors"
	"net/netip"
	"testing"

	"sluice/internal/account"
)

func prefixes(all ...string) (networks []netip.Prefix) {
	for _, p := range all {
		networks = append(networks, netip.MustParsePrefix(p))
	}
	return networks
}

func TestAUserLogsInOnlyFromItsNetworks(t *testing.T) {
	var users account.Users
	for _, name := range []string{"home", "free"} {
		if err := users.AddHash(account.Account{Name: name}, hashOf(t, "secret")); err != nil {
			t.Fatal(err)
		}
	}
	if err := users.Restrict("home", prefixes("192.168.0.0/16", "::1/128", "fe80::/10")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, user, addr, password string
		want                       error
	}{
		{"the right password from a network", "home", "192.168.1.2", "secret", nil},
		{"by IPv6", "home", "::1", "secret", nil},
		{"by an IPv4 address in IPv6", "home", "::ffff:192.168.1.2", "secret", nil},
		{"by an address with a zone", "home", "fe80::1%eth0", "secret", nil},
		{"a wrong password from a network", "home", "192.168.1.2", "wrong", account.ErrPassword},
		{"the right password from elsewhere", "home", "192.169.1.2", "secret", account.ErrNetwork},
		{"a wrong password from elsewhere", "home", "192.169.1.2", "wrong", account.ErrNetwork},
		{"another user from elsewhere", "free", "192.169.1.2", "secret", nil},
		{"an unknown user from elsewhere", "nobody", "192.169.1.2", "secret", account.ErrPassword},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // by the hash and by the digest
				a, err := users.LoginFrom(t.Context(), netip.MustParseAddr(tt.addr), tt.user, tt.password)
				if !errors.Is(err, tt.want) || (err == nil) != (a.Name == tt.user) {
					t.Errorf("got %+v, %v, want %v", a, err, tt.want)
				}
			}
		})
	}
	if _, ok := users.Login(t.Context(), "home", "secret"); ok {
		t.Error("a client whose address is unknown has logged in")
	}
	if _, ok := users.Login(t.Context(), "free", "secret"); !ok {
		t.Error("a user without networks is refused")
	}
}

func TestRestrictRefuses(t *testing.T) {
	var users account.Users
	if err := users.AddAccount(account.Account{Name: "alice", Rights: account.All}, "secret"); err != nil {
		t.Fatal(err)
	}
	if err := users.Restrict("bob", prefixes("::1/128")); err == nil {
		t.Error("an unknown user was accepted")
	}
	if err := users.Restrict("alice", nil); err == nil {
		t.Error("no networks were accepted")
	}
}

func TestGuestsLogInOnlyFromTheirNetworks(t *testing.T) {
	var nobody *account.Users
	var users account.Users
	elsewhere := netip.MustParseAddr("192.0.2.1")
	if !nobody.GuestMayLogIn(elsewhere) || !users.GuestMayLogIn(elsewhere) {
		t.Error("guests are restricted by default")
	}
	if err := users.Restrict(account.Anonymous, prefixes("10.0.0.0/8")); err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(10, func() { users.GuestMayLogIn(elsewhere) }); allocs != 0 {
		t.Errorf("%v allocations for each request of a guest", allocs)
	}
	for addr, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "192.0.2.1": false, "::1": false} {
		if got := users.GuestMayLogIn(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %v, want %v", addr, got, want)
		}
	}
}
