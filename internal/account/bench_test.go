package account_test

import (
	"testing"

	"sluice/internal/account"
)

// What a login costs who has a hash of the usual number of iterations: the
// first one, and wrong ones, are as dear as the hash.
func BenchmarkLogin(b *testing.B) {
	hash, err := account.NewHash("secret", account.DefaultIterations)
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name, user, password string
		known                bool // a login went before
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
