package upload_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

func nobody() {}

// resumable begins a resumable upload to target(tree), of which the length is known.
func resumable(t *testing.T, s *upload.Store, tree vfs.Tree, length int64) (id string) {
	t.Helper()
	r, err := s.CreateResumable(target(tree), upload.ResumableState{Owner: "alice", Name: "f", Length: length}, nobody)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	return r.ID
}

// reopened continues a resumable upload of alice.
func reopened(t *testing.T, s *upload.Store, tree vfs.Tree, id string) *upload.Resumable {
	t.Helper()
	r, err := s.OpenResumable(t.Context(), target(tree).Writer, "/", id, nobody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// add appends data in a request of its own that ends by Pause.
func add(t *testing.T, s *upload.Store, tree vfs.Tree, id, data string) {
	t.Helper()
	r := reopened(t, s, tree, id)
	bring(t, r, data, false)
	if err := r.Pause(r.Offset + int64(len(data))); err != nil {
		t.Fatal(err)
	}
}

func bring(t *testing.T, r *upload.Resumable, data string, isChecked bool) {
	t.Helper()
	if err := r.Begin(isChecked); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Writer().WriteAt([]byte(data), r.Offset); err != nil {
		t.Fatal(err)
	}
}

// wantOffset checks how many bytes a new Store, as after a restart, finds.
func wantOffset(t *testing.T, tree vfs.Tree, id string, want int64) {
	t.Helper()
	r := reopened(t, new(upload.Store), tree, id)
	defer r.Close()
	if r.Offset != want || r.Done {
		t.Errorf("offset %d, done %v, want %d, false", r.Offset, r.Done, want)
	}
}

func TestAResumableUploadIsWrittenByManyRequests(t *testing.T) {
	eachTree(t, map[string]string{"f": "old"}, func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		id := resumable(t, &s, tree, 9)
		add(t, &s, tree, id, "abc")
		add(t, new(upload.Store), tree, id, "def") // as after a restart
		if got := content(t, tree, "/f"); got != "old" {
			t.Errorf("the target has %q before the upload is complete", got)
		}
		r := reopened(t, &s, tree, id)
		bring(t, r, "ghi", false)
		if _, err := r.Finish(target(tree), 9); err != nil {
			t.Fatal(err)
		}
		if got := content(t, tree, "/f"); got != "abcdefghi" {
			t.Errorf("the target has %q", got)
		}
		wantHidden(t, tree, 1) // says that the upload is done
		for range 2 {
			r = reopened(t, new(upload.Store), tree, id)
			if !r.Done || r.Offset != 9 || r.Length != 9 {
				t.Errorf("done %v, offset %d, length %d", r.Done, r.Offset, r.Length)
			}
			r.Close()
		}
		if err := reopened(t, &s, tree, id).Discard(); err != nil {
			t.Error(err)
		}
		wantHidden(t, tree, 0)
		if got := content(t, tree, "/f"); got != "abcdefghi" {
			t.Errorf("the target has %q after the record of the upload was removed", got)
		}
	})
}

func TestWhichBytesOfAResumableUploadCount(t *testing.T) {
	tree := rootOf(t, nil)
	for _, tt := range []struct {
		name  string
		leave func(t *testing.T, s *upload.Store, id string)
		want  int64
	}{
		{"none before the first request", func(*testing.T, *upload.Store, string) {}, 0},
		{"all after a request", func(t *testing.T, s *upload.Store, id string) { add(t, s, tree, id, "abc") }, 3},
		{"those before a broken request, and what that has brought", func(t *testing.T, s *upload.Store, id string) {
			r := reopened(t, s, tree, id)
			bring(t, r, "abcdef", false)
			if err := r.Pause(4); err != nil {
				t.Fatal(err)
			}
		}, 4},
		{"all on the disk after a crash of the process", func(t *testing.T, s *upload.Store, id string) {
			r := reopened(t, s, tree, id)
			bring(t, r, "abcdef", false)
			upload.CrashResumable(r)
		}, 6},
		{"none of a request with a checksum after a crash", func(t *testing.T, s *upload.Store, id string) {
			add(t, s, tree, id, "abc")
			r := reopened(t, s, tree, id)
			bring(t, r, "def", true)
			upload.CrashResumable(r)
		}, 3},
		{"those that were synced after a crash of the system", func(t *testing.T, s *upload.Store, id string) {
			add(t, s, tree, id, "ab")
			r := reopened(t, s, tree, id)
			bring(t, r, "cdefgh", false)
			if err := upload.RebootResumable(r); err != nil {
				t.Fatal(err)
			}
			upload.CrashResumable(r)
		}, 2},
		{"all again in the boot after that", func(t *testing.T, s *upload.Store, id string) {
			add(t, s, tree, id, "ab")
			r := reopened(t, s, tree, id)
			bring(t, r, "cdefgh", false)
			if err := upload.RebootResumable(r); err != nil {
				t.Fatal(err)
			}
			upload.CrashResumable(r)
			r = reopened(t, s, tree, id)
			bring(t, r, "cde", false)
			upload.CrashResumable(r)
		}, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s upload.Store
			id := resumable(t, &s, tree, 9)
			tt.leave(t, &s, id)
			wantOffset(t, tree, id, tt.want)
		})
	}
}

func TestAResumableUploadIsFoundByItsOwnerAlone(t *testing.T) {
	tree := rootOf(t, map[string]string{"d/x": ""})
	var s upload.Store
	id := resumable(t, &s, tree, 3)
	for _, tt := range []struct{ name, owner, dir, id string }{
		{"another user", "bob", "/", id},
		{"a guest", "", "/", id},
		{"another directory", "alice", "/d", id},
		{"another ID", "alice", "/", id[1:] + "A"},
		{"no ID", "alice", "/", ""},
		{"an ID that looks like a path", "alice", "/", "../../" + id},
	} {
		w := target(tree).Writer
		w.Owner = tt.owner
		if _, err := s.OpenResumable(t.Context(), w, tt.dir, tt.id, nobody); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want not exist", tt.name, err)
		}
	}
	infos, err := tree.ReadDir("/")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if strings.Contains(info.Name(), id) {
			t.Errorf("the name %s gives the ID away", info.Name())
		}
	}
}

func TestARefusedUploadIsKeptUntilItCanBeFinished(t *testing.T) {
	eachTree(t, nil, func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		id := resumable(t, &s, tree, 3)
		add(t, &s, tree, id, "new")
		refused := target(tree)
		refused.Check = func() error { return errors.New("refused") }
		for range 2 {
			r := reopened(t, &s, tree, id)
			if _, err := r.Finish(refused, 3); err == nil {
				t.Fatal("no error")
			}
			wantOffset(t, tree, id, 3)
		}
		put(t, tree, map[string]string{"f": "meanwhile"})
		leaving := target(tree)
		leaving.Existing = upload.Leave
		if _, err := reopened(t, &s, tree, id).Finish(leaving, 3); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%v, want an error because the name is taken", err)
		}
		if _, err := reopened(t, &s, tree, id).Finish(target(tree), 3); err != nil {
			t.Fatal(err)
		}
		if got := content(t, tree, "/f"); got != "new" {
			t.Errorf("the target has %q", got)
		}
	})
}

func TestUntrustedBytesAreRemovedWithTheUpload(t *testing.T) {
	tree := rootOf(t, nil)
	var s upload.Store
	id := resumable(t, &s, tree, 3)
	add(t, &s, tree, id, "new")
	bad := target(tree)
	bad.Check = func() error { return upload.ErrUntrusted }
	if _, err := reopened(t, &s, tree, id).Finish(bad, 3); !errors.Is(err, upload.ErrUntrusted) {
		t.Fatal(err)
	}
	wantHidden(t, tree, 0)
}

func TestANewRequestStopsTheOneThatHasTheUpload(t *testing.T) {
	tree := lockable(t, nil)
	var s upload.Store
	id := resumable(t, &s, tree, 9)
	stopped := make(chan struct{}, 1)
	old, err := s.OpenResumable(t.Context(), target(tree).Writer, "/", id, func() { stopped <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	bring(t, old, "abcd", false)
	go func() {
		<-stopped
		_ = old.Pause(4)
	}()
	r := reopened(t, &s, tree, id)
	defer r.Close()
	if r.Offset != 4 {
		t.Errorf("offset %d, want 4", r.Offset)
	}

	t.Run("but not one of another user", func(t *testing.T) {
		w := target(tree).Writer
		w.Owner = "bob"
		if _, err := s.OpenResumable(t.Context(), w, "/", id, nobody); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	t.Run("and gives up if that does not end", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := s.OpenResumable(ctx, target(tree).Writer, "/", id, nobody); !errors.Is(err, upload.ErrBusy) {
			t.Error(err)
		}
	})
	t.Run("and leaves one of another process alone", func(t *testing.T) {
		if _, err := new(upload.Store).OpenResumable(t.Context(), target(tree).Writer, "/", id, nobody); !errors.Is(err, upload.ErrBusy) {
			t.Error(err)
		}
	})
}

func TestSweepRemovesOldResumableUploads(t *testing.T) {
	future, past := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	eachTree(t, nil, func(t *testing.T, tree vfs.Tree) {
		var s upload.Store
		id := resumable(t, &s, tree, 9)
		add(t, &s, tree, id, "abc")
		sweep := func(before time.Time, want int) {
			t.Helper()
			if n, err := upload.Sweep(t.Context(), tree, before); n != want || err != nil {
				t.Errorf("%d removed, %v, want %d", n, err, want)
			}
		}
		sweep(past, 0)
		state := upload.ResumableName("/", id, "state")
		if err := tree.Chtimes(state, past, past); err != nil {
			t.Skip("the file system sets no times")
		}
		sweep(time.Now().Add(-time.Minute), 0) // a request writes to the bytes
		if err := tree.Chtimes(upload.ResumableName("/", id, "bytes"), past, past); err != nil {
			t.Fatal(err)
		}
		sweep(future, 2)
		wantHidden(t, tree, 0)

		id = resumable(t, &s, tree, 0)
		if _, err := reopened(t, &s, tree, id).Finish(target(tree), 0); err != nil {
			t.Fatal(err)
		}
		sweep(past.Add(-time.Hour), 0)
		state = upload.ResumableName("/", id, "state")
		if err := tree.Chtimes(state, past.Add(-time.Minute), past.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
		sweep(past.Add(-time.Hour), 1) // an upload that is done is not remembered as long
		if _, err := s.OpenResumable(t.Context(), target(tree).Writer, "/", id, nobody); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

func TestADirectoryWithNothingButResumableUploadsCanBeRemoved(t *testing.T) {
	tree := lockable(t, map[string]string{"d/x": ""})
	var s upload.Store
	in := target(tree)
	in.Name = "/d/f"
	r, err := s.CreateResumable(in, upload.ResumableState{Owner: "alice", Name: "f", Length: 1}, nobody)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Remove("/d/x"); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveDir(in.Writer, "/d", tree.RemoveDir); err == nil {
		t.Fatal("the directory was removed while a request wrote into it")
	}
	r.Close()
	if err := s.RemoveDir(in.Writer, "/d", tree.RemoveDir); err != nil {
		t.Fatal(err)
	}
}

// For every n, the nth call of the file system fails. The client goes on from the offset that it finds, and in the end
// the target is whole. Before it is the old file.
func TestAResumableUploadSurvivesEveryFailedCall(t *testing.T) {
	const size = 1000
	for _, late := range []bool{false, true} {
		for n := 1; ; n++ {
			if n > 500 {
				t.Fatal("a call failed to the end")
			}
			root := rootOf(t, map[string]string{"f": "old"})
			p := &plan{left: n, late: late}
			tree := &atomic{faulty{root, p}, root}
			var s upload.Store
			c := &resumingClient{tree: tree, size: size}
			for range 20 {
				err := c.request(t, &s)
				got := content(t, root, "/f")
				if got != "old" && got != pattern(0, size) {
					t.Fatalf("after a failed %s the target has %d bytes", p.failed, len(got))
				}
				if err != nil && !errors.Is(err, errFault) {
					t.Fatalf("after a failed %s: %v", p.failed, err)
				}
				if c.done {
					break
				}
			}
			if got := content(t, root, "/f"); !c.done || got != pattern(0, size) {
				t.Fatalf("after a failed %s the upload is done: %v, with %d bytes", p.failed, c.done, len(got))
			}
			if p.failed == "" {
				break
			}
		}
	}
}

// resumingClient uploads the pattern in three requests, and as many more as it needs.
type resumingClient struct {
	tree vfs.Tree
	size int64
	id   string
	done bool
}

func (c *resumingClient) request(t *testing.T, s *upload.Store) error {
	to := target(c.tree)
	if c.id == "" {
		r, err := s.CreateResumable(to, upload.ResumableState{Owner: "alice", Name: "f", Length: c.size}, nobody)
		if err == nil {
			c.id = r.ID
			r.Close()
		}
		return err
	}
	r, err := s.OpenResumable(t.Context(), to.Writer, "/", c.id, nobody)
	if errors.Is(err, fs.ErrNotExist) {
		c.id = ""
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	if r.Done {
		c.done = true
		return nil
	}
	end := c.size
	if r.Offset < c.size/2 {
		end = c.size / 2
	}
	if err := r.Begin(false); err != nil {
		return err
	}
	n, err := r.Writer().WriteAt([]byte(pattern(r.Offset, end-r.Offset)), r.Offset)
	switch {
	case err != nil:
		_ = r.Pause(r.Offset + int64(n))
		return err
	case end < c.size:
		return r.Pause(end)
	}
	_, err = r.Finish(to, end)
	c.done = err == nil
	return err
}

func FuzzStateOfAResumableUpload(f *testing.F) {
	f.Add([]byte(`{"owner":"alice","name":"f","length":3,"boot":"b","synced":0,"checked":-1}`))
	f.Add([]byte(`{"name":"../f"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		record, err := upload.ParseRecord(text)
		if err == nil && (record.Name == "" || strings.Contains(record.Name, "/") || record.Synced < 0) {
			t.Errorf("accepted %+v", record)
		}
	})
}
