package account_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/account"
	"sluice/internal/nettest"
)

// directory is an External whose users all have one password. It takes a while.
type directory struct {
	takes time.Duration
	err   error // of all checks; nil: none
	name  string

	password string // of all users; "": secret
	networks []netip.Prefix

	calls, now, most atomic.Int32
}

func (d *directory) check(_ context.Context, a account.Attempt) (account.Found, error) {
	d.calls.Add(1)
	n := d.now.Add(1)
	defer d.now.Add(-1)
	for before := d.most.Load(); n > before && !d.most.CompareAndSwap(before, n); before = d.most.Load() {
	}
	time.Sleep(d.takes)
	switch {
	case d.err != nil:
		return account.Found{}, d.err
	case a.Password != cmp.Or(d.password, "secret"):
		return account.Found{}, account.ErrPassword
	}
	paths, err := account.NewPaths(account.PathRights{Path: "/in", Rights: account.Create})
	return account.Found{Account: account.Account{Name: d.name, Home: "/" + a.Name, Rights: account.ReadOnly, Paths: paths}, Networks: d.networks}, err
}

// externalUsers returns hashedUsers with d for all other names.
func externalUsers(t *testing.T, d *directory) *account.Users {
	t.Helper()
	users := hashedUsers(t)
	users.SetExternal(account.External{Check: d.check, Keep: time.Minute})
	return users
}

func TestUsersOfTheDirectoryLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{takes: 200 * time.Millisecond}
		users := externalUsers(t, d)
		for _, tt := range []struct {
			name, password string
			want           error
			asked          bool
		}{
			{"carol", "secret", nil, true},
			{"carol", "wrong", account.ErrPassword, true},
			{"alice", "wrong", account.ErrPassword, false}, // she has a hash here
			{"alice", "secret", nil, false},
			{"plain", "wrong", account.ErrPassword, false},
			{"dave", "", account.ErrPassword, false}, // LDAP accepts an empty one
			{"", "secret", account.ErrPassword, false},
			{"anonymous", "secret", account.ErrPassword, false},
			{"a/b", "secret", account.ErrPassword, false},
			{"a\tb", "secret", account.ErrPassword, false},
			{strings.Repeat("x", 256), "secret", account.ErrPassword, false},
			{"x", strings.Repeat("x", 1025), account.ErrPassword, false},
			{"x\xff", "secret", account.ErrPassword, false},
			{"x", "\xff", account.ErrPassword, false}, // JSON would make it another password
		} {
			before := d.calls.Load()
			a, err := users.LoginFrom(t.Context(), at(1), tt.name, tt.password)
			if !errors.Is(err, tt.want) || (d.calls.Load() > before) != tt.asked {
				t.Errorf("%.9q, %.9q: got %v after %d checks, want %v", tt.name, tt.password, err, d.calls.Load()-before, tt.want)
			}
			if err == nil && a.Name != tt.name {
				t.Errorf("%s: got %+v", tt.name, a)
			}
		}
	})
}

func TestUsersOfTheDirectoryAloneLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := new(account.Users)
		users.SetExternal(account.External{Check: (&directory{}).check})
		if _, err := users.LoginFrom(t.Context(), at(1), "carol", "secret"); err != nil {
			t.Error(err)
		}
		if _, err := users.LoginFrom(t.Context(), at(1), "carol", "wrong"); !errors.Is(err, account.ErrPassword) {
			t.Errorf("got %v, want %v", err, account.ErrPassword)
		}
	})
}

func TestARightPasswordIsCheckedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(directory)
		users := externalUsers(t, d)
		carol := account.Attempt{Name: "carol", Password: "secret", Addr: at(1), Protocol: "http"}
		logIn := func(what string, checks int32, change func(a *account.Attempt)) {
			t.Helper()
			a := carol
			if change != nil {
				change(&a)
			}
			before := d.calls.Load()
			_, err := users.LogIn(t.Context(), a)
			if got := d.calls.Load() - before; got != checks || (err == nil) != (a.Password == "secret") {
				t.Errorf("%s: got %v after %d checks, want %d", what, err, got, checks)
			}
		}
		logIn("the first login", 1, nil)
		for range 100 {
			logIn("the same again", 0, nil)
		}
		logIn("another address", 1, func(a *account.Attempt) { a.Addr = at(2) })
		logIn("another protocol", 1, func(a *account.Attempt) { a.Protocol = "ftp" })
		logIn("with TLS", 1, func(a *account.Attempt) { a.TLS = true })
		for range 3 { // wrong ones are never remembered
			logIn("a wrong password", 1, func(a *account.Attempt) { a.Password = "wrong" })
		}
		logIn("after a wrong one", 0, nil)
		users.Replace(hashedUsers(t))
		logIn("after a reload", 1, nil)
		time.Sleep(time.Minute)
		logIn("after a minute", 1, nil)
	})
}

func TestWhatIsRecognizedTakesBoundedMemory(t *testing.T) {
	d := new(directory)
	users := externalUsers(t, d)
	for i := range account.MaxTracked + 100 {
		if _, err := users.LoginFrom(t.Context(), at(i), "carol", "secret"); err != nil {
			t.Fatal(err)
		}
	}
	if got := users.Recalled(); got != account.MaxTracked {
		t.Errorf("%d passwords are recognized, want %d", got, account.MaxTracked)
	}
}

func TestEveryFailureIsReportedAtTheSameTimeWithADirectory(t *testing.T) {
	for _, takes := range []time.Duration{0, 30 * time.Millisecond, 2 * time.Second} {
		t.Run(fmt.Sprint("a check takes ", takes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				users := externalUsers(t, &directory{takes: takes})
				users.SetHashTime(time.Second)
				_, _ = users.LoginFrom(t.Context(), at(1), "carol", "wrong") // measures
				for i, name := range []string{"alice", "bob", "plain", "carol", "nobody", "", "anonymous"} {
					begun := time.Now()
					if _, err := users.LoginFrom(t.Context(), at(2+i), name, "wrong"); !errors.Is(err, account.ErrPassword) {
						t.Errorf("%s: got %v", name, err)
					}
					if got, want := time.Since(begun).Round(100*time.Millisecond), account.TurnTimes*max(takes, time.Second); got < want || got > want+want/8 {
						t.Errorf("%q fails after %v, want %v", name, got, want)
					}
				}
			})
		})
	}
}

func TestStrangersUseFewChecksAtATime(t *testing.T) {
	for name, tt := range map[string]struct {
		addr func(i int) netip.Addr
		want int32
	}{
		"many addresses": {at, 2},
		"one address":    {func(int) netip.Addr { return at(1) }, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &directory{takes: 100 * time.Millisecond}
			users := externalUsers(t, d)
			var all sync.WaitGroup
			for i := range 30 {
				all.Go(func() { _, _ = users.LoginFrom(t.Context(), tt.addr(i), fmt.Sprint("u", i), "wrong") })
			}
			all.Wait()
			if got := d.most.Load(); got != tt.want {
				t.Errorf("%s: %d checks of strangers at one time, want %d", name, got, tt.want)
			}
		})
	}
}

// A banned address gets no hash and no check beyond the first few, and a remembered password is
// still recognized there.
func TestABanHoldsForTheDirectoryToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(directory)
		users := externalUsers(t, d)
		if _, err := users.LoginFrom(t.Context(), at(1), "carol", "secret"); err != nil {
			t.Fatal(err)
		}
		fail(users, "carol", at(1), account.MaxFailed)
		before := d.calls.Load()
		for range 10 {
			if _, err := users.LoginFrom(t.Context(), at(1), "carol", "wrong"); !errors.Is(err, account.ErrBanned) {
				t.Errorf("got %v, want a ban", err)
			}
		}
		if got := d.calls.Load() - before; got != 0 {
			t.Errorf("%d checks", got)
		}
		if _, err := users.LoginFrom(t.Context(), at(1), "carol", "secret"); err != nil {
			t.Errorf("the right password: %v", err)
		}
	})
}

func TestAUserOfTheDirectoryDoesNotWaitForStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := externalUsers(t, &directory{takes: 50 * time.Millisecond})
		logIn := func(want time.Duration) {
			t.Helper()
			begun := time.Now()
			if _, err := users.LoginFrom(t.Context(), at(1), "carol", "secret"); err != nil || time.Since(begun) != want {
				t.Errorf("got %v after %v, want nil after %v", err, time.Since(begun), want)
			}
		}
		logIn(50 * time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		var guessing sync.WaitGroup
		for i := range 50 {
			guessing.Go(func() {
				for ctx.Err() == nil {
					_, _ = users.LoginFrom(ctx, at(100+i), "carol", "wrong")
				}
			})
		}
		time.Sleep(10 * time.Second)
		logIn(0)
		time.Sleep(time.Minute)
		logIn(50 * time.Millisecond) // checked again, but not in the queue
		cancel()
		guessing.Wait()
		time.Sleep(time.Minute) // the check under way ends
	})
}

func TestManyConnectionsOfAStrangerNeedOneCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{takes: time.Second}
		users := externalUsers(t, d)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := users.LoginFrom(t.Context(), at(1), "carol", "secret"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := d.calls.Load(); got != 1 {
			t.Errorf("%d checks, want 1", got)
		}
	})
}

func TestAFailureOfTheDirectoryIsNoWrongPassword(t *testing.T) {
	down := errors.New("down")
	for _, tt := range []struct {
		name string
		d    *directory
		want string
	}{
		{"it is down", &directory{err: down}, "down"},
		{"it returns an account with an impossible name", &directory{name: "a:b"}, "colon"},
		{"it returns the account of a user with a password here", &directory{name: "alice"}, "alice"},
		{"it returns anonymous", &directory{name: "anonymous"}, "reserved"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				users := externalUsers(t, tt.d)
				begun := time.Now()
				for range 2 {
					if _, err := users.LoginFrom(t.Context(), at(1), "carol", "secret"); !errors.Is(err, account.ErrUnavailable) || errors.Is(err, account.ErrPassword) || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("got %v, want %v with %q", err, account.ErrUnavailable, tt.want)
					}
				}
				if took := time.Since(begun); took != 0 || tt.d.calls.Load() != 2 {
					t.Errorf("reported after %v and %d checks", took, tt.d.calls.Load())
				}
			})
		})
	}
}

func TestAClientThatLeavesDuringACheckKeepsItsTurn(t *testing.T) {
	nettest.CheckLeaks(t)
	synctest.Test(t, func(t *testing.T) {
		users := externalUsers(t, &directory{takes: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		begun := time.Now()
		if _, err := users.LoginFrom(ctx, at(1), "carol", "wrong"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if _, err := users.LoginFrom(t.Context(), at(1), "dave", "secret"); err != nil {
			t.Error(err)
		}
		if got, want := time.Since(begun), account.TurnTimes*time.Second+time.Second; got < want || got > want+100*time.Millisecond {
			t.Errorf("the next one has its turn after %v, want %v", got, want)
		}
	})
}

// A user of the directory has a session of the login page for as long as Present knows it,
// with the same PasswordID.
func TestAUserOfTheDirectoryIsPresentAfterALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(directory)
		users := externalUsers(t, d)
		carol := account.Attempt{Name: "carol", Password: "secret", Addr: at(1), Protocol: "http", TLS: true}
		logIn := func(a account.Attempt) account.Account {
			t.Helper()
			got, err := users.LogIn(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		fails := func(what string, a account.Attempt, want error) {
			t.Helper()
			if _, err := users.Present(a); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", what, err, want)
			}
		}
		isPresent := func(what string, want account.Account) {
			t.Helper()
			for _, addr := range []netip.Addr{at(1), at(2)} {
				if got, err := users.Present(account.Attempt{Name: "carol", Addr: addr, Protocol: "http", TLS: true}); err != nil || got != want {
					t.Errorf("%s: got %+v, %v, want %+v", what, got, err, want)
				}
			}
		}
		otherwise := func(change func(*account.Attempt)) account.Attempt {
			a := carol
			change(&a)
			return a
		}

		fails("before a login", carol, account.ErrPassword)
		first := logIn(carol)
		if first.PasswordID == (account.PasswordID{}) || first.Home != "/carol" {
			t.Errorf("got %+v", first)
		}
		isPresent("after a login", first)
		fails("by another protocol", otherwise(func(a *account.Attempt) { a.Protocol = "ftp" }), account.ErrPassword)
		fails("without TLS", otherwise(func(a *account.Attempt) { a.TLS = false }), account.ErrPassword)
		fails("another name", otherwise(func(a *account.Attempt) { a.Name = "dave" }), account.ErrPassword)

		time.Sleep(time.Hour)
		if again := logIn(otherwise(func(a *account.Attempt) { a.Addr = at(2) })); again != first {
			t.Errorf("a second login gets %+v, want %+v", again, first)
		}
		time.Sleep(time.Hour)
		if _, err := users.LogIn(t.Context(), otherwise(func(a *account.Attempt) { a.Password = "guessed" })); !errors.Is(err, account.ErrPassword) {
			t.Errorf("got %v", err)
		}
		isPresent("after a wrong password", first)
		d.err = errors.New("down")
		if _, err := users.LogIn(t.Context(), carol); !errors.Is(err, account.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		isPresent("when the directory is down", first)
		d.err = nil

		d.networks = prefixes("203.0.113.0/24")
		if _, err := users.LogIn(t.Context(), carol); !errors.Is(err, account.ErrNetwork) {
			t.Errorf("from elsewhere got %v", err)
		}
		fails("from elsewhere", carol, account.ErrNetwork)
		d.networks = nil
		if again := logIn(carol); again != first {
			t.Errorf("got %+v, want %+v", again, first)
		}

		d.password = "new"
		time.Sleep(time.Hour)
		second := logIn(otherwise(func(a *account.Attempt) { a.Password = "new" }))
		if second.PasswordID == first.PasswordID {
			t.Error("the ID is the same after a change of the password")
		}
		isPresent("after a change of the password", second)

		users.Replace(hashedUsers(t))
		fails("after a reload", carol, account.ErrPassword)
		if third := logIn(otherwise(func(a *account.Attempt) { a.Password = "new" })); third.PasswordID == second.PasswordID {
			t.Error("the ID is the same after a reload")
		}
		users.Forget()
		fails("when all are forgotten", carol, account.ErrPassword)
	})
}

func TestTheDirectoryEndsASessionWhenItRefusesThePassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(directory)
		users := externalUsers(t, d)
		carol := account.Attempt{Name: "carol", Password: "secret", Addr: at(1), Protocol: "http"}
		first, err := users.LogIn(t.Context(), carol)
		if err != nil {
			t.Fatal(err)
		}
		d.password = "another"
		time.Sleep(time.Minute)
		if _, err := users.LogIn(t.Context(), carol); !errors.Is(err, account.ErrPassword) {
			t.Errorf("got %v", err)
		}
		if _, err := users.Present(carol); !errors.Is(err, account.ErrPassword) {
			t.Errorf("got %v, want %v", err, account.ErrPassword)
		}
		d.password = "secret" // the same again: what has ended does not come back
		if again, err := users.LogIn(t.Context(), carol); err != nil || again.PasswordID == first.PasswordID {
			t.Errorf("got %+v, %v", again, err)
		}
	})
}

func TestUsersOfTheDirectoryTakeBoundedMemory(t *testing.T) {
	users := externalUsers(t, new(directory))
	for i := range account.MaxTracked + 100 {
		if _, err := users.LoginFrom(t.Context(), at(1), fmt.Sprint("user", i), "secret"); err != nil {
			t.Fatal(err)
		}
	}
	if got := users.Found(); got != account.MaxTracked {
		t.Errorf("%d users are known, want %d", got, account.MaxTracked)
	}
}

func TestFailuresElsewhereTakeTheSameTimeInTheDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{takes: time.Second, networks: prefixes("203.0.113.0/24")}
		users := externalUsers(t, d)
		users.SetHashTime(time.Second)
		_, _ = users.LoginFrom(t.Context(), at(1), "carol", "wrong") // measures
		for password, want := range map[string]error{"secret": account.ErrNetwork, "wrong": account.ErrPassword} {
			begun := time.Now()
			if _, err := users.LoginFrom(t.Context(), at(2), "carol", password); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", password, err, want)
			}
			if took := time.Since(begun); took != account.TurnTimes*time.Second {
				t.Errorf("%s fails after %v", password, took)
			}
		}
	})
}
