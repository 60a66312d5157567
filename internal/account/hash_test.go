package account_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/account"
)

// hashOf makes a hash with the least iterations.
func hashOf(t testing.TB, password string) account.Hash {
	t.Helper()
	h, err := account.NewHash(password, account.MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHashSurvivesStringAndParse(t *testing.T) {
	h := hashOf(t, "secret")
	got, err := account.ParseHash(h.String())
	if err != nil || got != h {
		t.Errorf("got %v, %v, want %v", got, err, h)
	}
	if other := hashOf(t, "secret"); other == h {
		t.Errorf("two hashes are the same: %v", h)
	}
}

// foreign is the result of Python's hashlib.pbkdf2_hmac("sha256", b"secret", b"0123456789abcdef", 1000)
const foreign = "$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8"

func TestHashOfAnotherProgramMatches(t *testing.T) {
	h, err := account.ParseHash(foreign)
	if err != nil {
		t.Fatal(err)
	}
	var users account.Users
	if err := users.AddHash(account.Account{Name: "alice"}, h); err != nil {
		t.Fatal(err)
	}
	if _, ok := users.Login(t.Context(), "alice", "secret"); !ok {
		t.Error("the password is refused")
	}
}

func TestParseHashRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a password", "tops3cret", "no hash of a password"},
		{"nothing", "", "no hash of a password"},
		{"another scheme", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + strings.Repeat("A", 43), "no hash of a password"},
		{"a field too few", strings.Join(strings.Split(foreign, "$")[:4], "$"), "no hash of a password"},
		{"a field too many", foreign + "$", "no hash of a password"},
		{"iterations that are not a number", strings.Replace(foreign, "1000", "many", 1), "is no number"},
		{"too few iterations", strings.Replace(foreign, "1000", "999", 1), "999 iterations are not between 1000 and 10000000"},
		{"too many iterations", strings.Replace(foreign, "1000", "10000001", 1), "10000001 iterations"},
		{"a cut sum", foreign[:len(foreign)-2], "cut short"},
		{"a salt that is too short", strings.Replace(foreign, "MDEyMzQ1Njc4OWFiY2RlZg", "MDEy", 1), "cut short"},
		{"padding", foreign + "=", "cut short"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := account.ParseHash(tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) || h != (account.Hash{}) {
				t.Errorf("got %v, %v, want an error about %q", h, err, tt.want)
			}
			if err != nil && tt.in != "" && strings.Contains(err.Error(), tt.in) {
				t.Errorf("the error repeats what may be a password: %v", err)
			}
		})
	}
}

func TestNewHashRefuses(t *testing.T) {
	for _, tt := range []struct {
		name       string
		password   string
		iterations int
	}{
		{"an empty password", "", account.MinIterations},
		{"a password that no client can send", "a\nb", account.MinIterations},
		{"too few iterations", "x", account.MinIterations - 1},
		{"too many iterations", "x", account.MaxIterations + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if h, err := account.NewHash(tt.password, tt.iterations); err == nil {
				t.Errorf("got %v, want an error", h)
			}
		})
	}
}

func TestLoginByHash(t *testing.T) {
	var users account.Users
	want := account.Account{Name: "alice", Rights: account.List, Home: "/a", MaxSessions: 2}
	if err := users.AddHash(want, hashOf(t, "secret")); err != nil {
		t.Fatal(err)
	}
	if err := users.Add("bob", "other"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, user, password string
		want                 bool
	}{
		{"a wrong password before", "alice", "wrong", false},
		{"the right one", "alice", "secret", true},
		{"the right one again", "alice", "secret", true},
		{"a wrong password after it", "alice", "wrong", false},
		{"the empty password", "alice", "", false},
		{"an unknown name", "carol", "secret", false},
		{"another user's password", "alice", "other", false},
		{"a user without a hash", "bob", "other", true},
		{"a user without a hash and a wrong password", "bob", "secret", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, ok := users.Login(t.Context(), tt.user, tt.password)
			if ok != tt.want || ok && tt.user == "alice" && a != want {
				t.Errorf("got %+v, %v, want %v", a, ok, tt.want)
			}
		})
	}
	if err := users.AddHash(account.Account{Name: "alice"}, hashOf(t, "x")); err == nil {
		t.Error("a name was added twice")
	}
	if _, ok := users.Login(t.Context(), "dave", ""); ok {
		t.Error("the zero hash matches the empty password")
	}
}

// The number of iterations is large enough to distinguish them from none. The test
// compares only orders of magnitude.
func TestWrongPasswordTakesAsLongForEveryName(t *testing.T) {
	const iterations = 5_000
	expensive, err := account.NewHash("secret", iterations)
	if err != nil {
		t.Fatal(err)
	}
	var users account.Users
	for _, u := range []struct {
		name string
		hash account.Hash
	}{{"expensive", expensive}, {"cheap", hashOf(t, "secret")}} {
		if err := users.AddHash(account.Account{Name: u.name}, u.hash); err != nil {
			t.Fatal(err)
		}
	}
	if err := users.Add("plain", "secret"); err != nil {
		t.Fatal(err)
	}
	best := func(f func()) time.Duration {
		least := time.Hour
		for range 3 {
			start := time.Now()
			f()
			least = min(least, time.Since(start))
		}
		return least
	}
	hash := best(func() { _, _ = account.NewHash("x", iterations) })
	for _, name := range []string{"expensive", "cheap", "plain", "nobody"} {
		if got := best(func() { users.Login(t.Context(), name, "wrong") }); got < hash/20 {
			t.Errorf("%s: a wrong password takes %v, and a hash %v", name, got, hash)
		}
	}
}

func TestWaitingLoginEndsWithItsContext(t *testing.T) {
	var users account.Users
	hash, err := account.NewHash("secret", account.MinIterations)
	if err != nil {
		t.Fatal(err)
	}
	if err := users.AddHash(account.Account{Name: "alice"}, hash); err != nil {
		t.Fatal(err)
	}
	release := account.HoldHashing()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := users.Login(ctx, "alice", "secret"); ok {
		t.Error("logged in while another hash was computed")
	}
	release()
	if _, ok := users.Login(t.Context(), "alice", "secret"); !ok {
		t.Error("refused after that")
	}
}

func TestReplaceWhileInUse(t *testing.T) {
	var users account.Users
	add := func(u *account.Users, name string) {
		if err := u.AddHash(account.Account{Name: name, Rights: account.All}, hashOf(t, "secret")); err != nil {
			t.Fatal(err)
		}
	}
	add(&users, "alice")
	var trying sync.WaitGroup
	for range 4 {
		trying.Go(func() {
			for range 5 {
				users.Login(t.Context(), "alice", "secret")
				users.Login(t.Context(), "bob", "secret")
				users.Names()
				users.Anonymous()
			}
		})
	}
	var next account.Users
	add(&next, "bob")
	bounds := account.Account{Name: account.Anonymous, Rights: account.Read, Home: "/pub"}
	if err := next.SetAnonymous(bounds); err != nil {
		t.Fatal(err)
	}
	users.Replace(&next)
	trying.Wait()
	if _, ok := users.Login(t.Context(), "bob", "secret"); !ok {
		t.Error("the new user is refused")
	}
	if _, ok := users.Login(t.Context(), "alice", "secret"); ok {
		t.Error("the old user can log in")
	}
	if got := users.Anonymous(); got != bounds {
		t.Errorf("anonymous is %+v, want %+v", got, bounds)
	}
	users.Replace(nil)
	if got := users.Names(); len(got) > 0 {
		t.Errorf("got %v, want no names", got)
	}
}

func TestRightsOfAnonymousAreLimited(t *testing.T) {
	usual := account.Account{Name: "anonymous", Rights: account.ReadOnly}
	var users account.Users
	var nobody *account.Users
	if got := nobody.Anonymous(); got != usual {
		t.Errorf("got %+v, want %+v", got, usual)
	}
	for _, a := range []account.Account{
		{Name: "anonymous", Rights: account.Create},
		{Name: "ftp"},
		{Name: "anonymous", MaxSessions: -1},
	} {
		if err := users.SetAnonymous(a); err == nil || users.Anonymous() != usual {
			t.Errorf("%+v: error %v, and anonymous is %+v", a, err, users.Anonymous())
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(foreign)
	f.Add("$pbkdf2-sha256$i=600000$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := account.ParseHash(s)
		if err != nil {
			return
		}
		if again, err := account.ParseHash(h.String()); err != nil || again != h {
			t.Errorf("%q is %v, and that is %v, %v", s, h, again, err)
		}
	})
}
