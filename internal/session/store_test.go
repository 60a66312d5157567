package session

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/nettest"
)

var (
	addr     = netip.MustParseAddr("192.0.2.1")
	password = []byte("the ID of a password")
)

func begin(t *testing.T, s *Store, user string) string {
	t.Helper()
	token, made, err := s.Begin(user, password, addr, "Mozilla/5.0\x1b[31m \u202e(X11)")
	if err != nil {
		t.Fatal(err)
	}
	if made.User != user || made.Addr != "192.0.2.1" || made.Agent != "Mozilla/5.0[31m (X11)" || strings.Contains(token, made.ID) {
		t.Fatalf("made %+v", made)
	}
	return token
}

// wantUser checks that a token is that of user; "" is nobody.
func wantUser(t *testing.T, s *Store, token, user string) {
	t.Helper()
	found, ok := s.Find(token)
	if found.User != user || ok != (user != "") {
		t.Errorf("the session is that of %q, want %q", found.User, user)
	}
	if ok && !s.IsOf(token, password) || s.IsOf(token, []byte("another")) {
		t.Error("the session is bound to another password")
	}
}

// inBoth runs a test with a store in memory and one with a file.
func inBoth(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("in memory", func(t *testing.T) { test(t, new(Store)) })
	t.Run("in a file", func(t *testing.T) { test(t, newStore(t)) })
}

func newStore(t *testing.T) *Store {
	t.Helper()
	s := &Store{File: filepath.Join(nettest.TempDir(t), "sessions")}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestASessionIsFoundByItsTokenUntilItEnds(t *testing.T) {
	inBoth(t, func(t *testing.T, s *Store) {
		alice, other, bob := begin(t, s, "alice"), begin(t, s, "alice"), begin(t, s, "bob")
		wantUser(t, s, alice, "alice")
		wantUser(t, s, bob, "bob")
		for _, rubbish := range []string{"", "x", alice[1:], alice + "A", alice[:31] + "=", alice[:31] + "\n", strings.Repeat("A", 32), strings.Repeat("A", 1<<20)} {
			if rubbish != alice {
				wantUser(t, s, rubbish, "")
			}
		}
		if ended, ok, err := s.End(alice); ended.User != "alice" || !ok || err != nil {
			t.Errorf("got %+v, %v, %v", ended, ok, err)
		}
		if _, ok, err := s.End(alice); ok || err != nil {
			t.Errorf("it ended twice: %v, %v", ok, err)
		}
		wantUser(t, s, alice, "")
		wantUser(t, s, other, "alice")
		s.Drop(other)
		wantUser(t, s, other, "")
		_ = s.Close()
		wantUser(t, s, other, "")
		if list, err := s.List(); err != nil || len(list) != 1 || list[0].User != "bob" {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

func TestSessionsEndAfterTheirTime(t *testing.T) {
	inBoth(t, func(t *testing.T, s *Store) {
		synctest.Test(t, func(t *testing.T) {
			s.Idle, s.Lifetime = time.Hour, 3*time.Hour
			idle, used := begin(t, s, "idle"), begin(t, s, "used")
			for range 5 {
				time.Sleep(35 * time.Minute)
				wantUser(t, s, used, "used")
			}
			wantUser(t, s, idle, "")
			time.Sleep(6 * time.Minute)
			wantUser(t, s, used, "")
			if list, err := s.List(); len(list) > 0 || err != nil {
				t.Errorf("got %+v, %v", list, err)
			}
			_ = s.Close()
		})
	})
}

func TestTheNumberOfSessionsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(Store)
		bob := begin(t, s, "bob")
		var tokens []string
		for range maxPerUser + 1 {
			time.Sleep(time.Second)
			tokens = append(tokens, begin(t, s, "alice"))
			wantUser(t, s, tokens[0], "alice") // used, so that another one ends
			time.Sleep(time.Second)
		}
		wantUser(t, s, tokens[0], "alice")
		wantUser(t, s, tokens[1], "")
		wantUser(t, s, tokens[maxPerUser], "alice")
		wantUser(t, s, bob, "bob")
		time.Sleep(time.Second)
		for i := range maxSessions {
			begin(t, s, fmt.Sprint("user ", i))
		}
		wantUser(t, s, bob, "")
		if list, err := s.List(); len(list) != maxSessions || err != nil {
			t.Errorf("%d sessions, %v", len(list), err)
		}
		if _, _, err := s.Begin(strings.Repeat("x", maxUser+1), password, addr, ""); err == nil {
			t.Error("a name that is too long has a session")
		}
	})
}

func TestSessionsSurviveARestart(t *testing.T) {
	s := newStore(t)
	alice := begin(t, s, "alice")
	info, err := os.Stat(s.File)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("others may read the file: %v", got)
	}
	again := &Store{File: s.File}
	if err := again.Load(); err != nil {
		t.Fatal(err)
	}
	wantUser(t, again, alice, "alice")
	content, err := os.ReadFile(s.File)
	if err != nil || strings.Contains(string(content), alice) || strings.Contains(string(content), string(password)) {
		t.Errorf("the file shows a secret: %s, %v", content, err)
	}
}

// A new session is known to the other processes at once, and an ended one within a second.
func TestProcessesShareAFile(t *testing.T) {
	first := newStore(t)
	synctest.Test(t, func(t *testing.T) {
		second := &Store{File: first.File}
		alice := begin(t, first, "alice")
		wantUser(t, second, alice, "alice")
		bob := begin(t, second, "bob")
		wantUser(t, first, bob, "bob")
		if _, _, err := first.End(alice); err != nil {
			t.Fatal(err)
		}
		ended, err := second.Revoke(func(s Session) bool { return s.User == "bob" })
		if err != nil || len(ended) != 1 || ended[0].User != "bob" {
			t.Errorf("got %+v, %v", ended, err)
		}
		time.Sleep(checkEvery)
		for _, s := range []*Store{first, second} {
			wantUser(t, s, alice, "")
			wantUser(t, s, bob, "")
		}
	})
}

// The last use is written in the background, and one process does not end what is in use
// in another.
func TestTheLastUseIsWritten(t *testing.T) {
	first := newStore(t)
	synctest.Test(t, func(t *testing.T) {
		first.Idle = time.Hour
		second := &Store{File: first.File, Idle: time.Hour}
		alice := begin(t, first, "alice")
		time.Sleep(50 * time.Minute)
		wantUser(t, first, alice, "alice")
		synctest.Wait()
		_ = first.Close()
		time.Sleep(50 * time.Minute)
		begin(t, second, "bob") // removes what has ended
		wantUser(t, second, alice, "alice")
		_ = second.Close()
	})
}

func TestManyAtOnceLoseNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("package userfile has no locks there")
	}
	s := newStore(t)
	stores := []*Store{s, {File: s.File}, {File: s.File}}
	var running sync.WaitGroup
	for i, store := range stores {
		for j := range 10 {
			running.Go(func() {
				user := fmt.Sprint("user ", i, " ", j)
				token, _, err := store.Begin(user, password, addr, "")
				if err != nil {
					t.Error(err)
				}
				for _, other := range stores {
					if found, ok := other.Find(token); !ok || found.User != user {
						t.Errorf("%s is lost: %+v", user, found)
					}
				}
			})
		}
	}
	running.Wait()
	if list, err := s.List(); len(list) != 30 || err != nil {
		t.Errorf("%d sessions, %v", len(list), err)
	}
}

func TestAFailingDiskIsReported(t *testing.T) {
	s := &Store{File: filepath.Join(nettest.TempDir(t), "gone", "sessions")}
	if _, _, err := s.Begin("alice", password, addr, ""); err == nil {
		t.Error("a session was begun that is not in the file")
	}
	if list, err := s.List(); len(list) > 0 || err != nil {
		t.Errorf("got %+v, %v", list, err)
	}
}

// Cookies that are no tokens cost a guest nothing.
func TestRubbishAllocatesNothing(t *testing.T) {
	s := newStore(t)
	begin(t, s, "alice")
	for _, rubbish := range []string{"x", strings.Repeat("=", 32), strings.Repeat("A", 1<<16)} {
		if got := testing.AllocsPerRun(100, func() { s.Find(rubbish) }); got != 0 {
			t.Errorf("%v allocations for %.10s", got, rubbish)
		}
	}
}
