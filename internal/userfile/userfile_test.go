package userfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// content reads a file; "" if there is none.
func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// put returns a change that makes text the content.
func put(text string) func([]byte, bool) ([]byte, error) {
	return func([]byte, bool) ([]byte, error) { return []byte(text), nil }
}

// leftovers returns the other files in the directory of name.
func leftovers(t *testing.T, name string) (others []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(name) {
			others = append(others, e.Name())
		}
	}
	return others
}

func TestEditCreatesAndReplacesAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "users")
	for _, want := range []string{"one", "a longer one", "2", ""} {
		before := content(t, name)
		err := Edit(name, func(old []byte, exists bool) ([]byte, error) {
			if string(old) != before || exists != (want != "one") {
				t.Errorf("got %q, %v, want %q", old, exists, before)
			}
			return []byte(want), nil
		})
		if got := content(t, name); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if got := leftovers(t, name); len(got) > 0 {
		t.Errorf("left %q", got)
	}
}

func TestARefusedEditChangesNothing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "users")
	refused := errors.New("refused")
	refuse := func([]byte, bool) ([]byte, error) { return nil, refused }
	for _, want := range []string{"", "one"} {
		if err := Edit(name, refuse); !errors.Is(err, refused) || content(t, name) != want || len(leftovers(t, name)) > 0 {
			t.Errorf("got %v, the content %q and %q", err, content(t, name), leftovers(t, name))
		}
		if err := Edit(name, put("one")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConcurrentEditsAreAllKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "users")
	const editors, edits = 8, 20
	var running sync.WaitGroup
	for range editors {
		running.Go(func() {
			for range edits {
				if err := Edit(name, func(old []byte, _ bool) ([]byte, error) { return append(old, 'x'), nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	if got := content(t, name); got != strings.Repeat("x", editors*edits) {
		t.Errorf("%d of %d edits are kept", len(got), editors*edits)
	}
	if got := leftovers(t, name); len(got) > 0 {
		t.Errorf("left %q", got)
	}
}

// Every step fails once. The file is the old one or, after the rename, the new one.
func TestAnEditThatFailsLeavesTheOldOrTheNewFile(t *testing.T) {
	t.Cleanup(func() { crashPoint = func(string) error { return nil } })
	fault := errors.New("injected fault")
	before, after := strings.Repeat("old\n", 2000), strings.Repeat("new\n", 3000)
	for n := 1; ; n++ {
		name := filepath.Join(t.TempDir(), "users")
		crashPoint = func(string) error { return nil }
		if err := Edit(name, put(before)); err != nil {
			t.Fatal(err)
		}
		left, failed := n, ""
		crashPoint = func(step string) error {
			if left--; left == 0 {
				failed = step
				return fault
			}
			return nil
		}
		err := Edit(name, put(after))
		if failed == "" {
			if err != nil || n < 8 {
				t.Errorf("%d steps, %v", n, err)
			}
			return
		}
		want := before
		if failed == "sync the directory" {
			want = after
		}
		if !errors.Is(err, fault) || content(t, name) != want || len(leftovers(t, name)) > 0 {
			t.Errorf("%s: got %v, a file of %d bytes and %q", failed, err, len(content(t, name)), leftovers(t, name))
		}
	}
}

func TestEditSaysWhyItCannot(t *testing.T) {
	dir := t.TempDir()
	if err := Edit(filepath.Join(dir, "none", "users"), put("x")); err == nil || !strings.HasPrefix(err.Error(), "the directory of ") {
		t.Errorf("in a missing directory: got %v", err)
	}
	if err := Edit(dir, put("x")); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("a directory: got %v", err)
	}
}
