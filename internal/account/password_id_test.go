package account_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sluice/internal/account"
)

// usersWith returns alice with a hash, and bob with a password.
func usersWith(t *testing.T, hash account.Hash, password string) *account.Users {
	t.Helper()
	users := new(account.Users)
	if err := users.AddHash(account.Account{Name: "alice", Rights: account.ReadOnly}, hash); err != nil {
		t.Fatal(err)
	}
	if err := users.AddAccount(account.Account{Name: "bob", Rights: account.All}, password); err != nil {
		t.Fatal(err)
	}
	return users
}

func TestThePasswordIDChangesWithThePassword(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	first := hashOf(t, "secret")
	idOf := func(users *account.Users, name string) account.PasswordID {
		a, err := users.Present(account.Attempt{Name: name, Addr: addr})
		if err != nil || a.Name != name {
			t.Fatalf("%s: got %+v, %v", name, a, err)
		}
		return a.PasswordID
	}
	before := usersWith(t, first, "secret")
	same, other := usersWith(t, first, "secret"), usersWith(t, hashOf(t, "secret"), "other")
	for _, name := range []string{"alice", "bob"} {
		if idOf(before, name) != idOf(same, name) {
			t.Errorf("%s: the ID is another after a start", name)
		}
		if idOf(before, name) == idOf(other, name) {
			t.Errorf("%s: the ID is the same with another hash or password", name)
		}
	}
	if idOf(before, "alice") == idOf(before, "bob") {
		t.Error("two users have one ID")
	}
	if a, err := before.LoginFrom(t.Context(), addr, "alice", "secret"); err != nil || a.PasswordID != idOf(before, "alice") {
		t.Errorf("after a login: got %+v, %v", a, err)
	}
	a, _ := before.Present(account.Attempt{Name: "alice", Addr: addr})
	if text := fmt.Sprintf("%v %+v %s", a, a, a.PasswordID); strings.Count(text, "***") != 3 {
		t.Errorf("it is shown: %s", text)
	}
}

func TestPresentKnowsRemovalsAndNetworks(t *testing.T) {
	var none *account.Users
	users := usersWith(t, hashOf(t, "secret"), "secret")
	if err := users.Restrict("bob", prefixes("192.168.0.0/16")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		users      *account.Users
		name, addr string
		want       error
	}{
		{users, "alice", "192.0.2.1", nil},
		{users, "bob", "192.168.1.1", nil},
		{users, "bob", "192.0.2.1", account.ErrNetwork},
		{users, "carol", "192.168.1.1", account.ErrPassword},
		{none, "alice", "192.0.2.1", account.ErrPassword},
	} {
		if _, err := tt.users.Present(account.Attempt{Name: tt.name, Addr: netip.MustParseAddr(tt.addr)}); !errors.Is(err, tt.want) {
			t.Errorf("%s at %s: got %v, want %v", tt.name, tt.addr, err, tt.want)
		}
	}
}
