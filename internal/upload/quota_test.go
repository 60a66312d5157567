package upload_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/partial"
	"sluice/internal/quota"
	"sluice/internal/upload"
	"sluice/internal/vfs"
)

const kib = 1 << 10

// writer returns a user of the directory home of a volume, who may replace files.
func writer(t *testing.T, v *quota.Volume, tree vfs.Tree, owner, home string, limit quota.Limit) upload.Writer {
	t.Helper()
	w := upload.Writer{Tree: tree, Owner: owner, Existing: upload.Replace, Space: quota.SpaceIn(v, home, limit)}
	if home != "" {
		sub, done, err := vfs.Sub(tree, home)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(done)
		w.Tree = sub
	}
	if err := w.Space.Ready(); err != nil {
		t.Fatal(err)
	}
	return w
}

// wantCount checks that what is counted for w is what a new walk finds.
func wantCount(t *testing.T, w upload.Writer, what string) {
	t.Helper()
	fresh := quota.SpaceIn(quota.New(w.Tree, quota.Reserve{}), "", w.Space.Usage().Limit)
	if err := fresh.Ready(); err != nil {
		t.Fatal(err)
	}
	if got, want := w.Space.Usage(), fresh.Usage(); got != want {
		t.Errorf("%s: %d bytes and %d files are counted, the tree has %d and %d (free: %d and %d, want %d and %d)", what,
			got.Bytes, got.Files, want.Bytes, want.Files, got.FreeBytes, got.FreeFiles, want.FreeBytes, want.FreeFiles)
	}
}

// store uploads size bytes to name, of which each write has at most 10 KiB.
func store(s *upload.Store, w upload.Writer, name string, size int64, isAnnounced bool) error {
	at := upload.Target{Writer: w, Name: name, Perm: 0o644, Keep: true}
	if isAnnounced {
		at.Size = size
	}
	u, err := s.Create(at)
	if err != nil {
		return err
	}
	return fillUpload(u, size)
}

func fillUpload(u *upload.Upload, size int64) error {
	end := u.Start()
	for end < size {
		n, err := u.Writer().WriteAt(make([]byte, min(10*kib, size-end)), end)
		end += int64(n)
		if err != nil {
			u.Abort(end, err)
			return err
		}
	}
	_, err := u.Commit(end, nil)
	return err
}

// wantRefused checks that err is a *quota.Error for that reason.
func wantRefused(t *testing.T, err error, reason quota.Reason, tooLarge bool) {
	t.Helper()
	var refused *quota.Error
	if !errors.As(err, &refused) || refused.Reason != reason || refused.TooLarge != tooLarge {
		t.Errorf("error %v, want one for %v, too large %v", err, reason, tooLarge)
	}
}

func TestAQuotaOfBytesIsExact(t *testing.T) {
	eachTree(t, map[string]string{"home/old": strings.Repeat("x", 30*kib)}, func(t *testing.T, tree vfs.Tree) {
		if _, isStaged := tree.(upload.Atomic); isStaged {
			if _, isRoot := tree.(*vfs.Root); !isRoot {
				t.Skip("hidden files are not in the tree, so a count differs while they exist")
			}
		}
		for _, isAnnounced := range []bool{false, true} {
			var s upload.Store
			w := writer(t, quota.New(tree, quota.Reserve{}), tree, "alice", "/home", quota.Limit{Bytes: 100 * kib})
			wantRefused(t, store(&s, w, "/f", 70*kib+1, isAnnounced), quota.Bytes, false)
			wantCount(t, w, "a refused upload")
			if got := content(t, w.Tree, "/f"); got != "-" {
				t.Errorf("the refused file has %d bytes", len(got))
			}
			wantRefused(t, store(&s, w, "/f", 100*kib+1, isAnnounced), quota.Bytes, isAnnounced)
			if err := store(&s, w, "/f", 70*kib, isAnnounced); err != nil {
				t.Errorf("a file that fits exactly: %v", err)
			}
			wantCount(t, w, "an upload")
			wantRefused(t, store(&s, w, "/g", 1, isAnnounced), quota.Bytes, false)
			if err := store(&s, w, "/empty", 0, isAnnounced); err != nil {
				t.Errorf("an empty file: %v", err)
			}
			wantRefused(t, store(&s, w, "/f", 70*kib+1, isAnnounced), quota.Bytes, false)
			if err := store(&s, w, "/f", 70*kib, isAnnounced); err != nil {
				t.Errorf("a file of the same size in place of another: %v", err)
			}
			if err := store(&s, w, "/f", 10, isAnnounced); err != nil {
				t.Errorf("a small file in place of a large one: %v", err)
			}
			wantCount(t, w, "smaller files")
			if err := store(&s, w, "/g", 70*kib-10, isAnnounced); err != nil {
				t.Errorf("a file in the room that was freed: %v", err)
			}
			for _, name := range []string{"/f", "/g", "/empty"} {
				if err := s.Remove(w, name, w.Tree.Remove); err != nil {
					t.Error(err)
				}
			}
			wantCount(t, w, "removed files")
		}
	})
}

func TestAQuotaOfFilesCountsAllNames(t *testing.T) {
	var s upload.Store
	root := rootOf(t, map[string]string{"a": "a"})
	w := writer(t, quota.New(root, quota.Reserve{}), root, "alice", "", quota.Limit{Files: 4})
	mkdirAll := func(name string) error { return w.Tree.MkdirAll(name, 0o755) }
	wantRefused(t, s.Make(w, "/1/2/3/4", mkdirAll), quota.Files, false)
	if err := s.Make(w, "/1/2", mkdirAll); err != nil {
		t.Error(err)
	}
	if err := s.Make(w, "/l", func(name string) error { return w.Tree.Symlink("/a", name) }); err != nil {
		t.Error(err)
	}
	wantCount(t, w, "names")
	wantRefused(t, s.Make(w, "/3", mkdirAll), quota.Files, false)
	wantRefused(t, store(&s, w, "/f", 1, true), quota.Files, false)
	if err := store(&s, w, "/a", 5, true); err != nil {
		t.Errorf("a replaced file: %v", err)
	}
	if err := s.Rename(w, "/a", "/1/a"); err != nil {
		t.Error(err)
	}
	wantCount(t, w, "names")
	if err := s.RemoveAll(w, "/1", w.Tree.RemoveAll); err != nil {
		t.Error(err)
	}
	wantCount(t, w, "a removed directory")
	if err := store(&s, w, "/f", 1, false); err != nil {
		t.Error(err)
	}
}

func TestABrokenUploadIsKeptOnlyIfItFitsNextToTheOldFile(t *testing.T) {
	const size = upload.MinKept + 100
	for _, tt := range []struct {
		limit int64
		kept  int64
	}{{2 * size, size}, {2*size - 1, 0}} {
		var s upload.Store
		root := rootOf(t, nil)
		w := writer(t, quota.New(root, quota.Reserve{}), root, "alice", "", quota.Limit{Bytes: tt.limit})
		if err := store(&s, w, "/f", size, true); err != nil {
			t.Fatal(err)
		}
		u, err := s.Create(upload.Target{Writer: w, Name: "/f", Keep: true})
		if err != nil {
			t.Fatal(err)
		}
		end := write(t, u, strings.Repeat("x", size))
		if kept := u.Abort(end, io.ErrUnexpectedEOF); kept != tt.kept {
			t.Errorf("%d bytes are kept, want %d", kept, tt.kept)
		}
		wantCount(t, w, "a broken upload")
		if err := store(&s, w, "/f", size, true); err != nil { // which discards what is kept
			t.Error(err)
		}
		wantCount(t, w, "the next upload")
	}
}

func TestInPlaceChangesAreCounted(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(s *upload.Store, at upload.Target) (*upload.Upload, error)
		fits int64 // the largest size of the file
	}{
		{"an append", func(s *upload.Store, at upload.Target) (*upload.Upload, error) { return s.Append(at) }, 80 * kib},
		{"an upload in place", func(s *upload.Store, at upload.Target) (*upload.Upload, error) {
			at.InPlace = true
			return s.Create(at)
		}, 80 * kib},
		{"a new file in place", func(s *upload.Store, at upload.Target) (*upload.Upload, error) {
			at.InPlace, at.Name = true, "/new"
			return s.Create(at)
		}, 50 * kib},
		{"an upload into the middle", func(s *upload.Store, at upload.Target) (*upload.Upload, error) {
			return s.WriteFrom(t.Context(), at, 10*kib)
		}, 80 * kib},
	} {
		for _, more := range []int64{-1, 0, 1} {
			t.Run(fmt.Sprint(tt.name, "/", more), func(t *testing.T) {
				var s upload.Store
				root := rootOf(t, map[string]string{"f": strings.Repeat("x", 30*kib), "other": strings.Repeat("x", 20*kib)})
				w := writer(t, quota.New(root, quota.Reserve{}), root, "alice", "", quota.Limit{Bytes: 100 * kib})
				u, err := tt.do(&s, upload.Target{Writer: w, Name: "/f", Perm: 0o644, Keep: true})
				if err != nil {
					t.Fatal(err)
				}
				err = fillUpload(u, tt.fits+more)
				if more > 0 {
					wantRefused(t, err, quota.Bytes, false)
				} else if err != nil {
					t.Error(err)
				}
				wantCount(t, w, tt.name)
			})
		}
	}
}

// Uploads at once never exceed the quota together, and fill it.
func TestConcurrentUploadsNeverExceedAQuota(t *testing.T) {
	root := rootOf(t, nil)
	var s upload.Store
	const limit = 1000 * kib
	w := writer(t, quota.New(root, quota.Reserve{}), root, "alice", "", quota.Limit{Bytes: limit, Files: 40})
	var all sync.WaitGroup
	stop := make(chan struct{})
	for i := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for n := range 30 {
				_ = store(&s, w, fmt.Sprintf("/f%d-%d", i, n), random.Int64N(200*kib), random.IntN(2) == 0)
			}
		})
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var bytes, files int64
			infos, _ := root.Entries("/") // in which no visible file shrinks or vanishes
			for _, info := range infos {
				if !partial.Is(info.Name()) {
					bytes += info.Size()
					files++
				}
			}
			if bytes > limit || files > 40 {
				t.Errorf("%d bytes and %d files exist", bytes, files)
				return
			}
		}
	})
	all.Wait()
	close(stop)
	watching.Wait()
	wantCount(t, w, "concurrent uploads")
	if free := w.Space.Usage().FreeBytes; free > 0 {
		if err := store(&s, w, "/f0-0", free, true); err != nil && w.Space.Usage().FreeFiles > 0 {
			t.Errorf("the last %d bytes: %v", free, err)
		}
	}
}

// Users with homes in each other, and without any, change the same tree in all ways at once. Afterwards each home has
// the count of its tree.
func TestTheCountIsThatOfTheTree(t *testing.T) {
	root := rootOf(t, map[string]string{"a/x": "x", "a/b/y": "y", "c/z": "z"})
	if err := root.Symlink("/a/b", "/c/link"); err != nil {
		t.Fatal(err)
	}
	volume := quota.New(root, quota.Reserve{})
	var s upload.Store
	users := []upload.Writer{
		writer(t, volume, root, "root", "", quota.Limit{}),
		writer(t, volume, root, "a", "/a", quota.Limit{Bytes: 500 * kib, Files: 50}),
		writer(t, volume, root, "also a", "/a", quota.Limit{Bytes: 300 * kib}),
		writer(t, volume, root, "b", "/a/b", quota.Limit{Bytes: 200 * kib}),
		writer(t, volume, root, "c", "/c", quota.Limit{Files: 20}),
		writer(t, volume, root, "all", "", quota.Limit{Files: 2000}),
	}
	dirs := []string{"/", "/a", "/a/b", "/c", "/c/link", "/a/d", "/c/d"}
	var mu sync.Mutex
	resumables := make(map[string][]string) // IDs by user
	resume := func(random *rand.Rand, at upload.Target) {
		w, dir := at.Writer, path.Dir(at.Name)
		mu.Lock()
		ids := slices.Clone(resumables[w.Owner])
		mu.Unlock()
		var r *upload.Resumable
		var err error
		if len(ids) < 5 {
			length := int64(upload.UnknownLength)
			if random.IntN(2) == 0 {
				length = random.Int64N(100 * kib)
			}
			r, err = s.CreateResumable(at, upload.ResumableState{Owner: w.Owner, Name: path.Base(at.Name), Length: length}, nobody)
			if err == nil {
				mu.Lock()
				resumables[w.Owner] = append(resumables[w.Owner], r.ID)
				mu.Unlock()
			}
		} else {
			i := random.IntN(len(ids))
			for _, dir = range dirs {
				if r, err = s.OpenResumable(t.Context(), w, dir, ids[i], nobody); err == nil {
					break
				}
			}
			if err != nil { // it was removed
				mu.Lock()
				resumables[w.Owner] = slices.Delete(ids, i, i+1)
				mu.Unlock()
			}
		}
		if err != nil {
			return
		}
		defer r.Close()
		at.Name = path.Join(dir, r.Name)
		if r.Done || random.IntN(5) == 0 {
			_ = r.Discard()
			return
		}
		if r.Begin(random.IntN(2) == 0) != nil {
			return
		}
		n := random.Int64N(60 * kib)
		if r.Length >= 0 {
			n = min(n, r.Length-r.Offset)
		}
		written, _ := r.Writer().WriteAt(make([]byte, n), r.Offset)
		switch size := r.Offset + int64(written); random.IntN(3) {
		case 0:
			_, _ = r.Finish(at, size)
		case 1:
			_ = r.Pause(size)
		}
	}
	one := func(random *rand.Rand, w upload.Writer) {
		name := func() string {
			return path.Join(dirs[random.IntN(len(dirs))], []string{"f", "g", "d", "h"}[random.IntN(4)])
		}
		at := upload.Target{Writer: w, Name: name(), Perm: 0o644, Keep: true, InPlace: random.IntN(4) == 0}
		var u *upload.Upload
		var err error
		switch random.IntN(14) {
		case 10:
			_ = s.Copy(t.Context(), at, w.Tree, name(), true)
			return
		case 11, 12:
			resume(random, at)
			return
		case 0:
			_ = s.Remove(w, at.Name, w.Tree.Remove)
			return
		case 1:
			_ = s.Rename(w, at.Name, name())
			return
		case 2:
			_ = s.Make(w, at.Name, func(name string) error { return w.Tree.MkdirAll(name, 0o755) })
			return
		case 3:
			_ = s.RemoveDir(w, at.Name, w.Tree.RemoveDir)
			return
		case 4:
			if path.Base(at.Name) == "d" && path.Dir(at.Name) != "/" {
				_ = s.RemoveAll(w, at.Name, w.Tree.RemoveAll)
			}
			return
		case 5:
			u, err = s.Append(at)
		case 6:
			info, _ := s.Kept(w, at.Name)
			if info != nil {
				at.Resume = info.Size()
			}
			u, err = s.WriteFrom(t.Context(), at, at.Resume)
		default:
			u, err = s.Create(at)
		}
		if err != nil {
			return
		}
		size := u.Start() + random.Int64N(150*kib)
		if random.IntN(3) > 0 {
			_ = fillUpload(u, size)
			return
		}
		n, _ := u.Writer().WriteAt(make([]byte, size-u.Start()), u.Start())
		u.Abort(u.Start()+int64(n), io.ErrUnexpectedEOF)
	}
	check := func(what string) {
		t.Helper()
		quota.Settle(volume) // counts of directories that other users have changed meanwhile
		for _, w := range users[1:] {
			wantCount(t, w, what+" by "+w.Owner)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 600 {
		one(random, users[random.IntN(len(users))])
		if check(fmt.Sprint("change ", i)); t.Failed() {
			return
		}
	}
	var all sync.WaitGroup
	for i, w := range users {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 3))
			for range 200 {
				one(random, w)
			}
		})
	}
	all.Wait()
	check("concurrent changes")
}

// For every n, the nth call of the file system fails. Afterwards the count is that of the tree.
func TestTheCountIsRightAfterAFailedCall(t *testing.T) {
	const size = upload.MinKept + 1000
	for _, tt := range []struct {
		name string
		do   func(s *upload.Store, at upload.Target) error
	}{
		{"an upload", func(s *upload.Store, at upload.Target) error {
			u, err := s.Create(at)
			if err != nil {
				return err
			}
			return receive(u, size)
		}},
		{"an append", func(s *upload.Store, at upload.Target) error {
			u, err := s.Append(at)
			if err != nil {
				return err
			}
			return receive(u, size)
		}},
		{"a resumed upload", func(s *upload.Store, at upload.Target) error {
			at.Name, at.Resume = "/kept", upload.MinKept
			u, err := s.WriteFrom(t.Context(), at, upload.MinKept)
			if err != nil {
				return err
			}
			return receive(u, size)
		}},
		{"a broken upload", func(s *upload.Store, at upload.Target) error {
			u, err := s.Create(at)
			if err != nil {
				return err
			}
			n, _ := u.Writer().WriteAt([]byte(pattern(0, size)), 0)
			u.Abort(int64(n), io.ErrUnexpectedEOF)
			return nil
		}},
		{"a resumable upload", func(s *upload.Store, at upload.Target) error {
			r, err := s.CreateResumable(at, upload.ResumableState{Owner: "alice", Name: "f", Length: 2000}, nobody)
			if err != nil {
				return err
			}
			for _, isLast := range []bool{false, true} {
				err := r.Begin(isLast)
				if err == nil {
					_, err = r.Writer().WriteAt(make([]byte, 1000), r.Offset)
				}
				if err != nil {
					r.Close()
					return err
				}
				if isLast {
					_, err = r.Finish(at, 2000)
					return err
				}
				if err := r.Pause(1000); err != nil {
					return err
				}
				if r, err = s.OpenResumable(t.Context(), at.Writer, "/", r.ID, nobody); err != nil {
					return err
				}
			}
			return nil
		}},
		{"a discarded upload", func(s *upload.Store, at upload.Target) error {
			r, err := s.CreateResumable(at, upload.ResumableState{Owner: "alice", Name: "f", Length: 2000}, nobody)
			if err != nil {
				return err
			}
			return r.Discard()
		}},
		{"a copy", func(s *upload.Store, at upload.Target) error {
			return s.Copy(t.Context(), at, at.Tree, "/g", true)
		}},
		{"a rename", func(s *upload.Store, at upload.Target) error { return s.Rename(at.Writer, "/f", "/g") }},
		{"a removal", func(s *upload.Store, at upload.Target) error {
			return s.Remove(at.Writer, "/f", at.Tree.Remove)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := 1; ; n++ {
				p := &plan{}
				tree := vfs.Of(afero.NewMemMapFs())
				put(t, tree, map[string]string{"f": "old", "g": "other"})
				var s upload.Store
				w := writer(t, quota.New(tree, quota.Reserve{}), tree, "alice", "", quota.Limit{Bytes: 10 * size, Files: 100})
				broken := upload.Target{Writer: w, Name: "/kept", Perm: 0o644, Keep: true}
				u, err := s.Create(broken)
				if err != nil {
					t.Fatal(err)
				}
				u.Abort(write(t, u, pattern(0, upload.MinKept)), io.ErrUnexpectedEOF)
				failing := w
				failing.Tree = &faulty{tree, p}
				p.left = n
				_ = tt.do(&s, upload.Target{Writer: failing, Name: "/f", Perm: 0o644, Keep: true})
				wantCount(t, w, p.failed+" failed")
				if p.failed == "" {
					return
				}
			}
		})
	}
}

func TestWritesWaitForTheFirstCountAndThenFail(t *testing.T) {
	root := rootOf(t, nil)
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	slow := &hooked{root, func(call, _ string) error {
		if call == "read" {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-leave
		}
		return nil
	}}
	volume := quota.New(slow, quota.Reserve{})
	quota.SetWait(volume, 1)
	var s upload.Store
	w := upload.Writer{Tree: root, Existing: upload.Replace, Space: quota.SpaceIn(volume, "", quota.Limit{Bytes: 10})}
	<-entered
	wantRefused(t, store(&s, w, "/f", 5, true), quota.Counting, false)
	close(leave)
	quota.Settle(volume)
	if err := store(&s, w, "/f", 5, true); err != nil {
		t.Error(err)
	}
}

func TestARecountSeesTheChangesOfOtherPrograms(t *testing.T) {
	root := rootOf(t, nil)
	volume := quota.New(root, quota.Reserve{})
	var s upload.Store
	w := writer(t, volume, root, "alice", "", quota.Limit{Bytes: 100})
	put(t, root, map[string]string{"by-others": strings.Repeat("x", 60)})
	u, err := s.Create(upload.Target{Writer: w, Name: "/f", Perm: 0o644})
	if err != nil {
		t.Fatal(err)
	}
	end := write(t, u, "12345") // an upload under way does not hinder the count
	volume.Recount()
	quota.Settle(volume)
	if got := w.Space.Usage(); got.Bytes != 65 || got.Files != 2 {
		t.Errorf("%d bytes and %d files are counted, want 65 and 2", got.Bytes, got.Files)
	}
	if _, err := u.Commit(end, nil); err != nil {
		t.Error(err)
	}
	wantRefused(t, store(&s, w, "/g", 36, false), quota.Bytes, false)
	wantCount(t, w, "files of other programs")
}
