package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/account"
	"sluice/internal/budget"
)

// fail counts failures as a server does.
func fail(users *account.Users, name string, addr netip.Addr, n int) {
	for range n {
		users.Throttle().Failed(name, addr)
	}
}

// faults-ftp.md, F18: 20 failures at an address locked out everybody there.
func TestARightPasswordPassesInABan(t *testing.T) {
	nat, elsewhere := at(1), at(2)
	logIn := func(t *testing.T, users *account.Users, addr netip.Addr) {
		t.Helper()
		if _, err := users.LoginFrom(t.Context(), addr, "alice", "secret"); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		before func(t *testing.T, users *account.Users)
		addr   netip.Addr
		want   error
	}{
		{"others have failed there", func(t *testing.T, u *account.Users) { fail(u, "bob", nat, 20) }, nat, nil},
		{"others have failed there, and the user twice", func(t *testing.T, u *account.Users) {
			fail(u, "bob", nat, 20)
			fail(u, "alice", nat, 2)
		}, nat, nil},
		{"the user has failed there, and never logged in", func(t *testing.T, u *account.Users) { fail(u, "alice", nat, 20) }, nat, account.ErrBanned},
		{"the same, from another address", func(t *testing.T, u *account.Users) { fail(u, "alice", nat, 20) }, elsewhere, nil},
		{"the user has failed there, and logged in elsewhere", func(t *testing.T, u *account.Users) {
			logIn(t, u, elsewhere)
			fail(u, "alice", nat, 20)
		}, nat, nil},
		{"60 failures there, and the user has never logged in", func(t *testing.T, u *account.Users) { fail(u, "bob", nat, 60) }, nat, account.ErrBanned},
		{"60 failures there, and the user has logged in elsewhere", func(t *testing.T, u *account.Users) {
			logIn(t, u, elsewhere)
			fail(u, "bob", nat, 60)
		}, nat, nil},
		{"100 failures there, and the user has logged in elsewhere", func(t *testing.T, u *account.Users) {
			logIn(t, u, elsewhere)
			fail(u, "bob", nat, 100)
		}, nat, account.ErrBanned},
		{"1000 failures there, and the user has logged in there", func(t *testing.T, u *account.Users) {
			logIn(t, u, nat)
			fail(u, "bob", nat, 1000)
		}, nat, nil},
		{"the user has failed there 50 times, and logged in there", func(t *testing.T, u *account.Users) {
			logIn(t, u, nat)
			fail(u, "alice", nat, 50)
		}, nat, account.ErrBanned},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				users := hashedUsers(t)
				tt.before(t, users)
				_, err := users.LoginFrom(t.Context(), tt.addr, "alice", "secret")
				if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if got, want := users.Throttle().Admits("alice", tt.addr), tt.want == nil; want && !got {
					t.Error("a server would not ask")
				}
				time.Sleep(10*time.Minute + time.Second)
				if _, err := users.LoginFrom(t.Context(), tt.addr, "alice", "secret"); err != nil {
					t.Errorf("after the ban: %v", err)
				}
			})
		})
	}
}

// The address of a proxy that the server does not know is that of many clients.
func TestAnAddressOfManyClientsIsNotBanned(t *testing.T) {
	users := hashedUsers(t)
	fail(users, "alice", at(1), 1000)
	if _, err := users.LogIn(t.Context(), account.Attempt{Name: "alice", Password: "secret", Addr: at(1), ManyClients: true}); err != nil {
		t.Error(err)
	}
}

func TestABanShowsNobodyWhichNamesExist(t *testing.T) {
	names := []string{"alice", "bob", "plain", "nobody"} // with a digest, with a hash alone, with a password, unknown
	for _, n := range []int{20, 60, 100, 200} {
		for _, own := range []int{0, 3, 50} {
			synctest.Test(t, func(t *testing.T) {
				users := hashedUsers(t)
				if _, err := users.LoginFrom(t.Context(), at(2), "alice", "secret"); err != nil {
					t.Fatal(err)
				}
				fail(users, "x", at(1), n)
				for _, name := range names {
					fail(users, name, at(1), own)
				}
				seen := make(map[string]string)
				for _, name := range names {
					begun := time.Now()
					_, err := users.LoginFrom(t.Context(), at(1), name, "wrong")
					seen[fmt.Sprint(errors.Is(err, account.ErrPassword), time.Since(begun), users.Throttle().Admits(name, at(1)))] = name
				}
				if len(seen) != 1 {
					t.Errorf("after %d failures and %d of the name: names differ: %v", n, own, seen)
				}
			})
		}
	}
}

// logInAsServersDo is a login with a wrong password.
func logInAsServersDo(ctx context.Context, users *account.Users, name string, addr netip.Addr, password string) (checked bool) {
	if !users.Throttle().Admits(name, addr) {
		return false
	}
	if _, err := users.LoginFrom(ctx, addr, name, password); errors.Is(err, account.ErrPassword) {
		users.Throttle().Failed(name, addr)
	}
	return true
}

// An address can try few passwords, and costs few hashes, as many names and connections it uses.
func TestWhatABannedAddressCanTryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := hashedUsers(t)
		for _, name := range []string{"alice", "bob"} {
			if _, err := users.LoginFrom(t.Context(), at(2), name, "secret"); name == "alice" && err != nil {
				t.Fatal(err)
			}
		}
		names := []string{"alice", "bob", "plain"}
		for i := range 200 {
			names = append(names, fmt.Sprint("nobody", i))
		}
		checked, before := 0, users.Computed()
		for i := range 100 {
			for _, name := range names {
				if logInAsServersDo(t.Context(), users, name, at(1), fmt.Sprint(i)) {
					checked++
				}
			}
		}
		if checked > 100 {
			t.Errorf("%d passwords were checked, want 100 at most", checked)
		}
		if got := users.Computed() - before; got > 60 {
			t.Errorf("%d hashes were computed, want 60 at most", got)
		}
	})
}

// Attempts that wait for a hash when their address is banned get none.
func TestABanEndsTheWaitForAHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := hashedUsers(t)
		begun := time.Now()
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() { _, _ = users.LoginFrom(t.Context(), at(1), "alice", fmt.Sprint(i)) })
		}
		synctest.Wait()
		fail(users, "alice", at(1), 60)
		before := users.Computed()
		all.Wait()
		if got := users.Computed() - before; got != 0 {
			t.Errorf("%d hashes were computed in the ban", got)
		}
		if got := time.Since(begun); got != account.TurnTimes*time.Second {
			t.Errorf("the last one ended after %v, want the first turn only", got)
		}
	})
}

// faults-trust.md, T10: a first login waited for a minute while others guessed.
func TestAFirstLoginWaitsForOneTurnWhileManyAddressesGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := hashedUsers(t)
		ctx, stop := context.WithCancel(t.Context())
		var guessing sync.WaitGroup
		for i := range 250 {
			for j := range 4 {
				guessing.Go(func() {
					for ctx.Err() == nil {
						_, _ = users.LoginFrom(ctx, at(1000+i), "alice", fmt.Sprint(j))
						time.Sleep(time.Second) // as the server delays its reply
					}
				})
			}
		}
		for i, wait := range []time.Duration{0, time.Minute, 10 * time.Minute} {
			time.Sleep(wait)
			synctest.Wait()
			begun := time.Now()
			users.Replace(hashedUsers(t)) // nobody is recognized at once
			users.SetHashTime(time.Second)
			if _, err := users.LoginFrom(t.Context(), at(i), "alice", "secret"); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(begun); got > account.TurnTimes*time.Second {
				t.Errorf("after %v the first login takes %v, want one turn at most", wait, got)
			}
		}
		stop()
		guessing.Wait()
		if got := users.Waiting(); got != 0 {
			t.Errorf("%d clients that have left are waiting", got)
		}
	})
}

func TestReasonsOfFailures(t *testing.T) {
	for _, tt := range []struct {
		user string
		addr netip.Addr
		want string
	}{
		{"alice", at(1), "wrong"}, {"nobody", at(1), "unknown"}, {"bob", at(1000), "network"}, {"alice", at(9), "banned"},
	} {
		synctest.Test(t, func(t *testing.T) {
			users := hashedUsers(t)
			fail(users, "x", at(9), 100)
			_, err := users.LoginFrom(t.Context(), tt.addr, tt.user, "wrong")
			if got := account.Reason(err); got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.user, got, tt.want)
			}
		})
	}
	if got := account.Reason(fmt.Errorf("x: %w", account.ErrUnavailable)); got != "unavailable" {
		t.Errorf("got %s", got)
	}
}

func TestServersMayShareTheTurnsForHashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users, shared := hashedUsers(t), budget.New().Logins
		users.ShareTurns(shared)
		_, _ = users.LoginFrom(t.Context(), at(1), "alice", "wrong")
		if got := shared.Stats(); got.Most != 1 || got.InUse != 0 {
			t.Errorf("got %+v, want one turn that is over", got)
		}
	})
}
