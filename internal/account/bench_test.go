package account_test

import (
	"testing"

	"sluice/internal/account"
)

// BenchmarkLogin measures logins with a hash of the default iterations. The first
// login, and those that fail, are as expensive as the hash.
func BenchmarkLogin(b *testing.B) {
	hash, err := account.NewHash("secret", account.DefaultIterations)
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name, user, password string
		known                bool // after a successful login
	}{
		{"the first", "alice", "secret", false},
		{"another", "alice", "secret", true},
		{"wrong password", "alice", "wrong", true},
		{"unknown name", "nobody", "secret", true},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var first account.Users
			if err := first.AddHash(account.Account{Name: "alice"}, hash); err != nil {
				b.Fatal(err)
			}
			if bb.known {
				first.Login(b.Context(), "alice", "secret")
			}
			for b.Loop() {
				users := &first
				if !bb.known {
					users = new(account.Users)
					if err := users.AddHash(account.Account{Name: "alice"}, hash); err != nil {
						b.Fatal(err)
					}
				}
				users.Login(b.Context(), bb.user, bb.password)
			}
		})
	}
}
