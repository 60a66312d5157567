package account_test

import (
	"slices"
	"strings"
	"testing"

	"sluice/internal/account"
)

func TestLogin(t *testing.T) {
	var users account.Users
	for _, name := range []string{"alice", "bob"} {
		if err := users.AddAccount(account.Account{Name: name, Rights: account.All}, "secret of "+name); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name           string
		user, password string
		want           bool
	}{
		{"the right password is accepted", "alice", "secret of alice", true},
		{"the second user is known too", "bob", "secret of bob", true},
		{"another user's password is refused", "alice", "secret of bob", false},
		{"an empty password is refused", "alice", "", false},
		{"an unknown user is refused", "carol", "secret of alice", false},
		{"an unknown user with an empty password is refused", "carol", "", false},
		{"names are case sensitive", "Alice", "secret of alice", false},
		{"a longer password is refused", "alice", "secret of alice ", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, got := users.Login(t.Context(), tt.user, tt.password)
			if got != tt.want || got != (a.Name == tt.user) || !got && a != (account.Account{}) {
				t.Errorf("Login(%q, %q) = %+v, %v, want %v", tt.user, tt.password, a, got, tt.want)
			}
		})
	}
	if got, want := users.Names(), []string{"alice", "bob"}; !slices.Equal(got, want) {
		t.Errorf("Names() = %v, want %v", got, want)
	}
}

func TestLoginWithoutAccounts(t *testing.T) {
	var none *account.Users
	for _, users := range []*account.Users{none, new(account.Users)} {
		if a, ok := users.Login(t.Context(), "", ""); ok {
			t.Errorf("%+v logged in, want no login", a)
		}
	}
	if got := none.Names(); len(got) != 0 {
		t.Errorf("Names() = %v, want none", got)
	}
}

func TestAddRefuses(t *testing.T) {
	for _, tt := range []struct {
		name           string
		user, password string
		want           string
	}{
		{"an empty name", "", "x", "needs a name"},
		{"an empty password", "alice", "", "user alice: the password is empty"},
		{"a name with a line break", "al\nice", "x", "line break"},
		{"a name with a colon", "al:ice", "x", "colon"},
		{"a password with a line break", "alice", "x\r", "line break"},
		{"the anonymous name", "Anonymous", "x", "reserved"},
		{"the other anonymous name", "ftp", "x", "reserved"},
		{"a name given before", "known", "y", "twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var users account.Users
			if err := users.AddAccount(account.Account{Name: "known", Rights: account.All}, "password"); err != nil {
				t.Fatal(err)
			}
			err := users.AddAccount(account.Account{Name: tt.user, Rights: account.All}, tt.password)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Add(%q, %q) = %v, want an error about %q", tt.user, tt.password, err, tt.want)
			}
			if _, ok := users.Login(t.Context(), "known", "password"); !ok {
				t.Error("the account added before is lost")
			}
		})
	}
}

func TestLoginReturnsTheAddedAccount(t *testing.T) {
	var users account.Users
	want := account.Account{Name: "alice", Rights: account.ReadOnly | account.Create, Home: "/home/alice", MaxSessions: 3, MaxRate: 1000, MaxRatePerTransfer: 100}
	if err := users.AddAccount(want, "secret"); err != nil {
		t.Fatal(err)
	}
	got, ok := users.Login(t.Context(), "alice", "secret")
	if got.PasswordID == (account.PasswordID{}) {
		t.Error("the password has no ID")
	}
	got.PasswordID = account.PasswordID{}
	if got != want || !ok {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	for _, negative := range []account.Account{{Name: "bob", MaxSessions: -1}, {Name: "bob", MaxRate: -1}, {Name: "bob", MaxRatePerTransfer: -1}} {
		if err := users.AddAccount(negative, "x"); err == nil {
			t.Errorf("%+v was accepted", negative)
		}
	}
}
