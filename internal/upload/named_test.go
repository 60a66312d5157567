package upload_test

import (
	"errors"
	"io/fs"
	"sync"
	"testing"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

func TestCheckSeesTheFileThatIsReplaced(t *testing.T) {
	eachTree(t, map[string]string{"f": "old"}, func(t *testing.T, tree vfs.Tree) {
		var store upload.Store
		to := target(tree)
		var atCheck, whenNamed string
		to.Check = func() error { atCheck = content(t, tree, "/f"); return nil }
		to.Named = func() { whenNamed = content(t, tree, "/f") }
		u, err := store.Create(to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Commit(write(t, u, "new"), nil); err != nil || atCheck != "old" || whenNamed != "new" {
			t.Errorf("Commit = %v; the file was %q before, and %q after", err, atCheck, whenNamed)
		}
	})
}

func TestAnErrorOfCheckKeepsTheOldFile(t *testing.T) {
	eachTree(t, map[string]string{"f": "old"}, func(t *testing.T, tree vfs.Tree) {
		var store upload.Store
		to := target(tree)
		to.Check = func() error { return fs.ErrExist }
		to.Named = func() { t.Error("the file was named") }
		u, err := store.Create(to)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := u.Commit(write(t, u, pattern(0, 100<<10)), nil)
		if !errors.Is(err, fs.ErrExist) || kept != 0 || content(t, tree, "/f") != "old" {
			t.Errorf("Commit = %d, %v, the file is %q", kept, err, content(t, tree, "/f"))
		}
		wantHidden(t, tree, 0)
	})
}

// TestNoOtherChangeComesBetweenCheckAndNamed begins uploads and removals that each check
// that the file is the one that they know.
func TestNoOtherChangeComesBetweenCheckAndNamed(t *testing.T) {
	tree := rootOf(t, map[string]string{"f": "old"})
	var store upload.Store
	errChanged := errors.New("the file has changed")
	check := func() error {
		if content(t, tree, "/f") != "old" {
			return errChanged
		}
		return nil
	}
	const each = 20
	var all sync.WaitGroup
	errs := make(chan error, 2*each)
	for range each {
		all.Go(func() {
			to := target(tree)
			to.Owner, to.Check = "", check
			u, err := store.Create(to)
			if err == nil {
				_, err = u.Commit(write(t, u, "new"), nil)
			}
			errs <- err
		})
		all.Go(func() { errs <- store.RemoveIf(target(tree).Writer, "/f", check, tree.Remove) })
	}
	all.Wait()
	won := 0
	for range 2 * each {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.Is(err, errChanged):
			t.Errorf("%v, want %v", err, errChanged)
		}
	}
	if won != 1 {
		t.Errorf("%d changes of the same file were made, want 1", won)
	}
}

func TestTheTimeOfAnUploadIsSetBeforeItIsVisible(t *testing.T) {
	eachTree(t, map[string]string{"f": "old"}, func(t *testing.T, tree vfs.Tree) {
		var store upload.Store
		to := target(tree)
		to.ModTime = aDay
		u, err := store.Create(to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Commit(write(t, u, "new"), nil); err != nil {
			t.Fatal(err)
		}
		info, err := tree.Stat("/f")
		if err != nil || u.HasModTime() != info.ModTime().Equal(aDay) {
			t.Errorf("HasModTime is %v, the time is %v, %v", u.HasModTime(), info.ModTime(), err)
		}
	})
	root := rootOf(t, nil)
	var store upload.Store
	to := target(root)
	to.ModTime = aDay
	u, err := store.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Commit(write(t, u, "new"), nil); err != nil || !u.HasModTime() {
		t.Errorf("Commit = %v, and the time was not set in a directory", err)
	}
}
