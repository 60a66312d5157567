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

// ofHtpasswd are hashes of "secret" that Apache's htpasswd 2.4 has made.
var ofHtpasswd = map[string]string{
	"bcrypt": "$2y$05$HbvnL718xKZ0E2YOal/VkeYEN0w7/Nqtj211nsOiqrdMzBcQHGsEe",
	"apr1":   "$apr1$6iyJ4mjW$eNzBLXej9l28IeAiDlNkH.",
	"SHA-1":  "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
}

func TestHashesOfHtpasswdMatch(t *testing.T) {
	for _, tt := range []struct{ name, hash, password string }{
		{"bcrypt", ofHtpasswd["bcrypt"], "secret"},
		{"bcrypt as of BSD", strings.Replace(ofHtpasswd["bcrypt"], "$2y$", "$2b$", 1), "secret"},
		{"bcrypt as of old BSD", strings.Replace(ofHtpasswd["bcrypt"], "$2y$", "$2a$", 1), "secret"},
		{"apr1", ofHtpasswd["apr1"], "secret"},
		{"apr1 of a long password", "$apr1$PM3lbZVR$.EF.sfZCHVyN8dwM6tBoZ.", "longer than sixteen bytes, pässword"},
		{"SHA-1", ofHtpasswd["SHA-1"], "secret"},
		{"PBKDF2", foreign, "secret"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := account.ParseHash(tt.hash)
			if err != nil || h.String() != tt.hash {
				t.Fatalf("got %v, %v, want %s", h, err, tt.hash)
			}
			var users account.Users
			if err := users.AddHash(account.Account{Name: "alice"}, h); err != nil {
				t.Fatal(err)
			}
			for _, wrong := range []string{"", "wrong", tt.password + " ", tt.password + "\x00" + tt.password, tt.password + strings.Repeat("x", 100_000), tt.hash} {
				if _, ok := users.Login(t.Context(), "alice", wrong); ok {
					t.Errorf("logged in with the password %.50q", wrong)
				}
			}
			for range 2 { // by the hash, and by the digest
				if _, ok := users.Login(t.Context(), "alice", tt.password); !ok {
					t.Error("the password is refused")
				}
			}
		})
	}
}

func TestParseHashRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a password", "tops3cret", "no hash of a password"},
		{"nothing", "", "no hash of a password"},
		{"another scheme", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + strings.Repeat("A", 43), "no hash of a password"},
		{"a field too few", strings.Join(strings.Split(foreign, "$")[:4], "$"), "cut short"},
		{"a field too many", foreign + "$", "cut short"},
		{"DES of crypt(3)", "8O55hWMX0lLdY", "DES hash of crypt(3)"},
		{"SHA-512 of crypt(3)", "$6$Ggwo/YWR/dPGtjja$RXtdeU/rEby3Wn4O/0MaVxXQmWsPcRcKRqWTowrNy9", "hash of crypt(3)"},
		{"bcrypt of old PHP", strings.Replace(ofHtpasswd["bcrypt"], "$2y$", "$2x$", 1), "no hash of a password"},
		{"a cut bcrypt hash", ofHtpasswd["bcrypt"][:59], "cut short"},
		{"a garbled bcrypt hash", ofHtpasswd["bcrypt"][:59] + "!", "cut short"},
		{"bcrypt with a cost that is no number", strings.Replace(ofHtpasswd["bcrypt"], "$05$", "$+5$", 1), "cut short"},
		{"bcrypt that takes a minute", strings.Replace(ofHtpasswd["bcrypt"], "$05$", "$20$", 1), "the cost 20 of the bcrypt hash is not between 4 and 15"},
		{"a cut apr1 hash", ofHtpasswd["apr1"][:30], "cut short"},
		{"apr1 with a long salt", strings.Replace(ofHtpasswd["apr1"], "6iyJ", "6iyJ6iyJ", 1), "cut short"},
		{"a cut SHA-1 hash", ofHtpasswd["SHA-1"][:20], "cut short"},
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
		{"a password of more than 1024 bytes", strings.Repeat("x", 1025), account.MinIterations},
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
	if err := users.AddAccount(account.Account{Name: "bob", Rights: account.All}, "other"); err != nil {
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
			a.PasswordID = account.PasswordID{}
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
	if err := users.AddAccount(account.Account{Name: "plain", Rights: account.All}, "secret"); err != nil {
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
	release := users.HoldHashing()
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
		{Name: "anonymous", Rights: account.Change},
		{Name: "anonymous", Rights: account.ReadOnly | account.Delete},
		{Name: "anonymous", Rights: account.Rename},
		{Name: "anonymous", Rights: account.Link},
		{Name: "anonymous", Rights: account.ReadOnly, Paths: pathsOf(t, "/in", account.Create|account.Delete)},
		{Name: "ftp"},
		{Name: "anonymous", MaxSessions: -1},
	} {
		if err := users.SetAnonymous(a); err == nil || users.Anonymous() != usual {
			t.Errorf("%+v: error %v, and anonymous is %+v", a, err, users.Anonymous())
		}
	}
	dropBox := account.Account{Name: "anonymous", Rights: account.ReadOnly, Paths: pathsOf(t, "/in", account.Create)}
	if err := users.SetAnonymous(dropBox); err != nil || users.Anonymous() != dropBox {
		t.Errorf("error %v, and anonymous is %+v", err, users.Anonymous())
	}
}

// pathsOf returns the rights at one path.
func pathsOf(t *testing.T, name string, rights account.Rights) *account.Paths {
	t.Helper()
	p, err := account.NewPaths(account.PathRights{Path: name, Rights: rights})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func FuzzParseHash(f *testing.F) {
	f.Add(foreign)
	f.Add("$pbkdf2-sha256$i=600000$$")
	for _, hash := range ofHtpasswd {
		f.Add(hash)
	}
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
