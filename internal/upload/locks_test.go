package upload_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/nettest"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

// lockedTree has the file /d/f, and a Store for it.
func lockedTree(t *testing.T) (*upload.Store, *vfs.Root) {
	t.Helper()
	dir := nettest.TempDir(t)
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "d", "f"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return new(upload.Store), root.Writable()
}

// store uploads a file.
func storeNew(s *upload.Store, w upload.Writer, name string) error {
	u, err := s.Create(upload.Target{Writer: w, Name: name, Perm: 0o644})
	if err != nil {
		return err
	}
	if _, err := u.Writer().WriteAt([]byte("new"), 0); err != nil {
		return err
	}
	_, err = u.Commit(3, nil)
	return err
}

func isLocked(err error) bool { return errors.As(err, new(*upload.LockedError)) }

// lockedChanges are changes of the tree, each of which would succeed without a lock.
var lockedChanges = map[string]func(s *upload.Store, w upload.Writer) error{
	"replace /d/f": func(s *upload.Store, w upload.Writer) error { return storeNew(s, w, "/d/f") },
	"make /d/new":  func(s *upload.Store, w upload.Writer) error { return storeNew(s, w, "/d/new") },
	"append to /d/f": func(s *upload.Store, w upload.Writer) error {
		u, err := s.Append(upload.Target{Writer: w, Name: "/d/f", Perm: 0o644})
		if err == nil {
			_, err = u.Commit(u.Start(), nil)
		}
		return err
	},
	"overwrite /d/f in place": func(s *upload.Store, w upload.Writer) error {
		u, err := s.Create(upload.Target{Writer: w, Name: "/d/f", Perm: 0o644, InPlace: true})
		if err == nil {
			_, err = u.Commit(0, nil)
		}
		return err
	},
	"remove /d/f": func(s *upload.Store, w upload.Writer) error { return s.Remove(w, "/d/f", w.Tree.Remove) },
	"remove /d":   func(s *upload.Store, w upload.Writer) error { return s.RemoveDir(w, "/d", w.Tree.RemoveAll) },
	"rename /d":   func(s *upload.Store, w upload.Writer) error { return s.Rename(w, "/d", "/e") },
	"rename /d/f": func(s *upload.Store, w upload.Writer) error { return s.Rename(w, "/d/f", "/d/g") },
	"rename /x to /d/f": func(s *upload.Store, w upload.Writer) error {
		if err := os.WriteFile(filepath.Join(w.Tree.(*vfs.Root).Dir(), "x"), nil, 0o644); err != nil {
			return err
		}
		return s.Rename(w, "/x", "/d/f")
	},
	"make the directory /d/new": func(s *upload.Store, w upload.Writer) error {
		return s.Make(w, "/d/new", func(name string) error { return w.Tree.Mkdir(name, 0o755) })
	},
	"set the time of /d/f": func(s *upload.Store, w upload.Writer) error {
		return s.Change(w, "/d/f", func(name string) error { return w.Tree.Chtimes(name, time.Time{}, time.Unix(1, 0)) })
	},
	"copy to /d/new": func(s *upload.Store, w upload.Writer) error {
		return s.Copy(context.Background(), upload.Target{Writer: w, Name: "/d/new", Perm: 0o644}, w.Tree, "/d/f", true)
	},
	"set the time of /": func(s *upload.Store, w upload.Writer) error {
		return s.Change(w, "/", func(string) error { return nil })
	},
}

func TestALockProtectsAgainstEveryChange(t *testing.T) {
	if nettest.OnWine() {
		t.Skip("wine 8 lacks FileDispositionInformationEx, which os.Root needs to remove files")
	}
	tests := []struct {
		name   string
		path   string
		lock   upload.Lock
		passes []string // all other changes are refused
	}{
		{"a file", "/d/f", upload.Lock{}, []string{"make /d/new", "make the directory /d/new", "copy to /d/new", "set the time of /"}},
		{"a shared lock", "/d/f", upload.Lock{Shared: true}, []string{"make /d/new", "make the directory /d/new", "copy to /d/new", "set the time of /"}},
		{"a name without a file", "/d/new", upload.Lock{}, []string{
			"replace /d/f", "append to /d/f", "overwrite /d/f in place", "remove /d/f", "rename /d/f", "rename /x to /d/f", "set the time of /d/f", "set the time of /",
		}},
		{"a directory alone", "/d", upload.Lock{}, []string{"replace /d/f", "append to /d/f", "overwrite /d/f in place", "rename /x to /d/f", "set the time of /d/f", "set the time of /"}},
		{"a directory with all that is in it", "/d", upload.Lock{Infinite: true}, []string{"set the time of /"}},
		{"another file", "/other", upload.Lock{}, []string{
			"replace /d/f", "make /d/new", "append to /d/f", "overwrite /d/f in place", "remove /d/f", "remove /d", "rename /d", "rename /d/f",
			"rename /x to /d/f", "make the directory /d/new", "set the time of /d/f", "copy to /d/new", "set the time of /",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for change, do := range lockedChanges {
				s, tree := lockedTree(t)
				alice := upload.Writer{Tree: tree, Owner: "alice", Existing: upload.Replace}
				l, err := s.Lock(alice, test.path, test.lock)
				if err != nil {
					t.Fatal(err)
				}
				passes := false
				for _, name := range test.passes {
					passes = passes || name == change
				}
				bob := upload.Writer{Tree: tree, Owner: "bob", Existing: upload.Replace, Tokens: []string{l.Token}}
				for _, w := range []upload.Writer{alice, bob} { // alice without the token, and bob with hers
					if err := do(s, w); !passes && !isLocked(err) {
						t.Errorf("%s by %s: %v, want a LockedError", change, w.Owner, err)
					} else if passes {
						if err != nil {
							t.Errorf("%s by %s: %v, want success", change, w.Owner, err)
						}
						break // it cannot be made twice
					}
				}
				if passes {
					continue
				}
				if b, err := os.ReadFile(filepath.Join(tree.Dir(), "d", "f")); err != nil || string(b) != "old" {
					t.Errorf("%s: the file is %q now (%v)", change, b, err)
				}
				alice.Tokens = []string{"urn:uuid:other", l.Token}
				if err := do(s, alice); err != nil {
					t.Errorf("%s by alice with the token: %v, want success", change, err)
				}
			}
		})
	}
}

func TestLocksThatExcludeEachOther(t *testing.T) {
	tests := []struct {
		name        string
		first       string
		firstLock   upload.Lock
		second      string
		secondLock  upload.Lock
		wantRefused bool
	}{
		{"two exclusive locks of a file", "/d/f", upload.Lock{}, "/d/f", upload.Lock{}, true},
		{"two shared locks of a file", "/d/f", upload.Lock{Shared: true}, "/d/f", upload.Lock{Shared: true}, false},
		{"a shared lock, and an exclusive one", "/d/f", upload.Lock{Shared: true}, "/d/f", upload.Lock{}, true},
		{"a directory with all, and a file in it", "/d", upload.Lock{Infinite: true}, "/d/f", upload.Lock{}, true},
		{"a file, and its directory with all", "/d/f", upload.Lock{}, "/", upload.Lock{Infinite: true}, true},
		{"a file, and its directory alone", "/d/f", upload.Lock{}, "/d", upload.Lock{}, false},
		{"two files", "/d/f", upload.Lock{}, "/d/g", upload.Lock{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, tree := lockedTree(t)
			if _, err := s.Lock(upload.Writer{Tree: tree, Owner: "alice"}, test.first, test.firstLock); err != nil {
				t.Fatal(err)
			}
			_, err := s.Lock(upload.Writer{Tree: tree, Owner: "bob"}, test.second, test.secondLock)
			if isLocked(err) != test.wantRefused || err != nil && !test.wantRefused {
				t.Errorf("the second lock: %v, want refused %v", err, test.wantRefused)
			}
		})
	}
}

func TestALockEndsWithItsTime(t *testing.T) {
	s, tree := lockedTree(t)
	synctest.Test(t, func(t *testing.T) {
		alice, bob := upload.Writer{Tree: tree, Owner: "alice"}, upload.Writer{Tree: tree, Owner: "bob", Existing: upload.Replace}
		l, err := s.Lock(alice, "/d/f", upload.Lock{Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		alice.Tokens = []string{l.Token}
		if l, err = s.RefreshLock(alice, "/d/f", 2*time.Minute); err != nil || time.Until(l.Expires) != 2*time.Minute {
			t.Fatalf("refreshed: %v until %v", err, l.Expires)
		}
		bob.Tokens = alice.Tokens
		if _, err := s.RefreshLock(bob, "/d/f", time.Hour); !errors.Is(err, upload.ErrNoLock) {
			t.Errorf("bob refreshes the lock of alice: %v", err)
		}
		if err := s.Unlock(bob, "/d/f", l.Token); !errors.Is(err, upload.ErrNoLock) {
			t.Errorf("bob removes the lock of alice: %v", err)
		}
		time.Sleep(2*time.Minute - time.Nanosecond)
		if err := s.Change(bob, "/d/f", func(string) error { return nil }); !isLocked(err) {
			t.Errorf("right before the end: %v, want a LockedError", err)
		}
		time.Sleep(time.Nanosecond)
		if err := s.Change(bob, "/d/f", func(string) error { return nil }); err != nil {
			t.Errorf("after the end: %v", err)
		}
		if l, err = s.Lock(bob, "/d/f", upload.Lock{Timeout: 24 * time.Hour}); err != nil || l.Timeout != time.Hour {
			t.Errorf("a lock for a day lasts %v (%v), want an hour", l.Timeout, err)
		}
		if err := s.Unlock(bob, "/d/f", l.Token); err != nil || len(s.LocksOn(tree, "/d/f")) != 0 {
			t.Errorf("unlocked: %v, and %v remain", err, s.LocksOn(tree, "/d/f"))
		}
	})
}

func TestAUserHoldsABoundedNumberOfLocks(t *testing.T) {
	s, tree := lockedTree(t)
	alice := upload.Writer{Tree: tree, Owner: "alice"}
	for range 1000 {
		if _, err := s.Lock(alice, "/d/f", upload.Lock{Shared: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Lock(alice, "/d/f", upload.Lock{Shared: true}); !errors.Is(err, upload.ErrTooManyLocks) {
		t.Errorf("one more: %v", err)
	}
	if _, err := s.Lock(upload.Writer{Tree: tree, Owner: "bob"}, "/d/f", upload.Lock{Shared: true}); err != nil {
		t.Errorf("another user: %v", err)
	}
}

func TestALockIsGoneWithItsFile(t *testing.T) {
	if nettest.OnWine() {
		t.Skip("wine 8 lacks FileDispositionInformationEx, which os.Root needs to remove files")
	}
	for _, change := range []string{"remove /d/f", "remove /d", "rename /d", "rename /d/f"} {
		s, tree := lockedTree(t)
		alice := upload.Writer{Tree: tree, Owner: "alice", Existing: upload.Replace}
		l, err := s.Lock(alice, "/d/f", upload.Lock{})
		if err != nil {
			t.Fatal(err)
		}
		alice.Tokens = []string{l.Token}
		if err := lockedChanges[change](s, alice); err != nil {
			t.Fatal(err)
		}
		if left := s.LocksOn(tree, "/d/f"); len(left) != 0 {
			t.Errorf("%s: %v remain", change, left)
		}
	}
}

func TestCopyMakesAWholeFile(t *testing.T) {
	s, tree := lockedTree(t)
	w := upload.Writer{Tree: tree, Owner: "alice"}
	when := time.Unix(1_000_000_000, 0)
	if err := errors.Join(tree.Chtimes("/d/f", time.Time{}, when), tree.Chmod("/d/f", 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(t.Context(), upload.Target{Writer: w, Name: "/d/g", Perm: 0o644}, w.Tree, "/d/f", true); err != nil {
		t.Fatal(err)
	}
	info, err := tree.Stat("/d/g")
	if err != nil || info.Size() != 3 || !info.ModTime().Equal(when) {
		t.Fatalf("the copy is %v (%v)", info, err)
	}
	if !nettest.OnWine() && info.Mode().Perm() != 0o600 {
		t.Errorf("the mode of the copy is %v", info.Mode())
	}
	if err := s.Copy(t.Context(), upload.Target{Writer: w, Name: "/d/g", Perm: 0o644}, w.Tree, "/d/f", true); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a copy to an existing name: %v, want fs.ErrExist", err)
	}
	if err := s.Copy(t.Context(), upload.Target{Writer: w, Name: "/e", Perm: 0o644}, w.Tree, "/d", true); err == nil {
		t.Error("a directory was copied as a file")
	}
}
