package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/account"
)

// at returns the address of a client by a number.
func at(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

func TestDelaysDoubleWithTheFailuresOfAnAddressAndOfAName(t *testing.T) {
	type step struct {
		name, addr string
		want       time.Duration
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"of an address, up to 8 s", []step{{"a", "10.0.0.1", 1}, {"b", "10.0.0.1", 2}, {"c", "10.0.0.1", 4}, {"d", "10.0.0.1", 8}, {"e", "10.0.0.1", 8}, {"f", "10.0.0.2", 1}}},
		{"of a name", []step{{"a", "10.0.0.1", 1}, {"a", "10.0.0.2", 2}, {"a", "10.0.0.3", 4}, {"b", "10.0.0.4", 1}}},
		{"of a network of IPv6", []step{{"a", "2001:db8::1", 1}, {"b", "2001:db8::2%eth0", 2}, {"c", "2001:db8:0:1::1", 1}}},
		{"of IPv4 in IPv6", []step{{"a", "10.0.0.1", 1}, {"b", "::ffff:10.0.0.1", 2}}},
		{"not of strangers, for a user who has logged in from there", []step{
			{"known", "10.0.0.1", 1}, {"known", "10.0.0.2", 2}, {"known", "10.0.0.3", 4}, {"known", "10.0.0.99", 1}, {"known", "10.0.0.99", 2}, {"known", "10.0.0.4", 8},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var throttle account.Throttle
			throttle.Succeeded("known", netip.MustParseAddr("10.0.0.99"))
			for _, s := range tt.steps {
				if got := throttle.Failed(s.name, netip.MustParseAddr(s.addr)); got != s.want*time.Second {
					t.Errorf("%s at %s: got %v, want %v", s.name, s.addr, got, s.want*time.Second)
				}
			}
		})
	}
}

// Behind a proxy that the server does not know as one, all clients have an address of this
// host: the failures of some do not delay those of others.
func TestFailuresAtNoAddressCountForTheirNameAlone(t *testing.T) {
	var throttle account.Throttle
	for i := range 2 * account.MaxFailed {
		if got := throttle.Failed(fmt.Sprint("name", i), netip.Addr{}); got != time.Second {
			t.Fatalf("failure %d: got %v, want 1s", i+1, got)
		}
	}
	if got := throttle.Failed("name0", netip.Addr{}); got != 2*time.Second {
		t.Errorf("the second one of a name: got %v, want 2s", got)
	}
	if throttle.IsBanned(netip.Addr{}) {
		t.Error("all are banned")
	}
}

func TestABanEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var throttle account.Throttle
		for i := range account.MaxFailed {
			if throttle.IsBanned(at(1)) {
				t.Fatalf("banned after %d failures", i)
			}
			throttle.Failed(fmt.Sprint(i), at(1))
		}
		if !throttle.IsBanned(at(1)) || throttle.IsBanned(at(2)) {
			t.Error("the address is not banned, or another is")
		}
		time.Sleep(10 * time.Minute)
		if !throttle.IsBanned(at(1)) {
			t.Error("the ban ended early")
		}
		time.Sleep(time.Second)
		if throttle.IsBanned(at(1)) {
			t.Error("the ban does not end")
		}
		if got := throttle.Failed("x", at(1)); got != time.Second {
			t.Errorf("after the ban: a delay of %v, want a second", got)
		}
	})
}

func TestAFloodOfNamesAndAddressesTakesBoundedMemory(t *testing.T) {
	var throttle account.Throttle
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	for i := range account.MaxTracked + 500 {
		name := fmt.Sprint(i) + strings.Repeat("x", 4000)
		throttle.Failed(name, at(i))
		throttle.Succeeded(name, at(i))
	}
	addrs, names, origins, known := throttle.Tracked()
	if addrs != account.MaxTracked || names != account.MaxTracked || origins != account.MaxTracked || known != account.MaxTracked {
		t.Errorf("%d addresses, %d names, %d of both and %d users are tracked, want %d", addrs, names, origins, known, account.MaxTracked)
	}
	if after := used(); after > before+8<<20 {
		t.Errorf("the tables take %d bytes", after-before)
	}
	runtime.KeepAlive(&throttle)
}

// hashedUsers returns the users alice and bob with the password "secret". The most
// expensive hash seems to take a second.
func hashedUsers(t *testing.T) *account.Users {
	t.Helper()
	users := new(account.Users)
	bcrypt, err := account.ParseHash(ofHtpasswd["bcrypt"])
	if err != nil {
		t.Fatal(err)
	}
	for name, hash := range map[string]account.Hash{"alice": hashOf(t, "secret"), "bob": bcrypt} {
		if err := users.AddHash(account.Account{Name: name}, hash); err != nil {
			t.Fatal(err)
		}
	}
	if err := users.AddAccount(account.Account{Name: "plain", Rights: account.All}, "secret"); err != nil {
		t.Fatal(err)
	}
	if err := users.Restrict("bob", prefixes("10.0.0.0/24")); err != nil {
		t.Fatal(err)
	}
	users.SetHashTime(time.Second)
	return users
}

func TestEveryFailureIsReportedAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := hashedUsers(t)
		for _, tt := range []struct {
			name, user, password string
			addr                 netip.Addr
		}{
			{"a wrong password", "alice", "wrong", at(1)},
			{"one of another kind of hash", "bob", "wrong", at(1)},
			{"one of a user without a hash", "plain", "wrong", at(1)},
			{"an unknown name", "nobody", "wrong", at(1)},
			{"an empty password", "alice", "", at(1)},
			{"a password of 100,000 bytes", "alice", strings.Repeat("x", 100_000), at(1)},
			{"the right password from elsewhere", "bob", "secret", at(1000)},
		} {
			begun := time.Now()
			if _, err := users.LoginFrom(t.Context(), tt.addr, tt.user, tt.password); err == nil {
				t.Errorf("%s: logged in", tt.name)
			}
			if got := time.Since(begun); got != account.TurnTimes*time.Second {
				t.Errorf("%s: failed after %v, want %v", tt.name, got, account.TurnTimes*time.Second)
			}
		}
	})
}

// A stranger with two connections sees whether the first one holds up the second.
func TestAClientThatLeavesKeepsItsTurn(t *testing.T) {
	for _, user := range []string{"alice", "nobody"} {
		synctest.Test(t, func(t *testing.T) {
			users := hashedUsers(t)
			begun := time.Now()
			ctx, leave := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, leave)
			if _, err := users.LoginFrom(ctx, at(1), user, "wrong"); err != context.Canceled {
				t.Errorf("%s: got %v", user, err)
			}
			if got := time.Since(begun); got != time.Millisecond {
				t.Errorf("%s: ended after %v, want at once", user, got)
			}
			_, _ = users.LoginFrom(t.Context(), at(1), "nobody", "wrong")
			if got := time.Since(begun); got != 2*account.TurnTimes*time.Second {
				t.Errorf("%s: the next client fails after %v, want %v", user, got, 2*account.TurnTimes*time.Second)
			}
		})
	}
}

func TestNothingIsComputedForUnknownNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := hashedUsers(t)
		before := users.Computed()
		for i := range 50 {
			users.Login(t.Context(), fmt.Sprint("nobody", i), "wrong")
		}
		if got := users.Computed() - before; got != 0 {
			t.Errorf("%d hashes were computed", got)
		}
	})
}

func TestTheFirstFailureMeasuresTheMostExpensiveHash(t *testing.T) {
	var users account.Users
	expensive, err := account.NewHash("secret", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	if err := users.AddHash(account.Account{Name: "alice"}, expensive); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	_, _ = account.NewHash("x", 100_000)
	hash := time.Since(begun)
	for range 3 {
		begun = time.Now()
		users.Login(t.Context(), "nobody", "wrong")
		if got := time.Since(begun); got < hash/2 {
			t.Errorf("an unknown name fails after %v, and a hash takes %v", got, hash)
		}
	}
	if got := users.Computed(); got != 1 {
		t.Errorf("%d hashes were computed for unknown names, want 1", got)
	}
}

func TestARightPasswordPassesWhileStrangersGuess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := hashedUsers(t)
		if _, ok := users.Login(t.Context(), "plain", "secret"); !ok {
			t.Fatal("plain is refused")
		}
		if _, err := users.LoginFrom(t.Context(), at(7), "alice", "secret"); err != nil { // known from now on
			t.Fatal(err)
		}
		next := hashedUsers(t) // alice has the same password but another hash
		users.Replace(next)
		users.SetHashTime(time.Second)

		var failed atomic.Int32
		ctx, stop := context.WithCancel(t.Context())
		var guessing sync.WaitGroup
		for i := range 1000 { // all from one address
			guessing.Go(func() {
				name := []string{"alice", "bob", "nobody"}[i%3]
				_, err := users.LoginFrom(ctx, at(666), name, fmt.Sprint(i))
				switch {
				case err == nil:
					t.Error("a guess was right")
				case errors.Is(err, account.ErrPassword):
					failed.Add(1)
				}
			})
		}
		synctest.Wait()
		took := func(name string, addr netip.Addr) time.Duration {
			t.Helper()
			begun := time.Now()
			if _, err := users.LoginFrom(t.Context(), addr, name, "secret"); err != nil {
				t.Errorf("%s at %v: %v", name, addr, err)
			}
			return time.Since(begun)
		}
		if got := took("alice", at(7)); got != 0 {
			t.Errorf("a user at a known address waits %v", got)
		}
		if got := took("alice", at(8)); got != 0 {
			t.Errorf("a user whose password is remembered waits %v", got)
		}
		if got := took("bob", at(9)); got > account.TurnTimes*time.Second {
			t.Errorf("a user at a new address waits %v, want one turn at most", got)
		}
		if got := failed.Load(); got > 1 {
			t.Errorf("%d guesses had their turn before", got)
		}
		stop()
		guessing.Wait()
		if got := users.Waiting(); got != 0 {
			t.Errorf("%d clients that have left are waiting", got)
		}
		time.Sleep(time.Hour) // the turn under way ends
		if got := took("bob", at(10)); got != 0 {
			t.Errorf("later a user waits %v", got)
		}
	})
}

func TestAddressesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := hashedUsers(t)
		release := users.HoldHashing()
		var mu sync.Mutex
		var order []string
		var running sync.WaitGroup
		for i, addr := range []int{1, 1, 1, 2, 2, 3} {
			running.Go(func() {
				_, _ = users.LoginFrom(t.Context(), at(addr), "nobody", "wrong")
				mu.Lock()
				defer mu.Unlock()
				order = append(order, fmt.Sprint(addr))
			})
			synctest.Wait()
			if got := users.Waiting(); got != i+1 {
				t.Fatalf("%d clients wait, want %d", got, i+1)
			}
		}
		release()
		running.Wait()
		if diff := cmp.Diff("3 2 1 2 1 1", strings.Join(order, " ")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAReloadKeepsTheDigestOfAnUnchangedHash(t *testing.T) {
	h, changed := hashOf(t, "secret"), hashOf(t, "secret")
	make := func(hash account.Hash) *account.Users {
		var users account.Users
		if err := users.AddHash(account.Account{Name: "alice"}, hash); err != nil {
			t.Fatal(err)
		}
		return &users
	}
	users := make(h)
	for range account.MaxFailed {
		users.Throttle().Failed("x", at(1))
	}
	if _, ok := users.Login(t.Context(), "alice", "secret"); !ok {
		t.Fatal("refused")
	}
	now, cancel := context.WithCancel(t.Context())
	cancel() // so that nobody can wait for a hash
	for _, tt := range []struct {
		name string
		next account.Hash
		want bool
	}{{"the same hash", h, true}, {"another hash", changed, false}} {
		users.Replace(make(tt.next))
		release := users.HoldHashing()
		if _, ok := users.Login(now, "alice", "secret"); ok != tt.want {
			t.Errorf("%s: recognized at once: %v, want %v", tt.name, ok, tt.want)
		}
		release()
	}
	if !users.Throttle().IsBanned(at(1)) {
		t.Error("the failed logins are forgotten")
	}
}
