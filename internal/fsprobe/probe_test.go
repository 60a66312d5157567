package fsprobe

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/mounts"
	"sluice/internal/nettest"
	"sluice/internal/partial"
)

// try tries a directory as if its file system were one of FUSE, so that a disk can stand for it.
func try(t *testing.T, dir string, write bool) Report {
	t.Helper()
	p := &probe{write: write, until: time.Now().Add(time.Minute)}
	return p.run(Report{Dir: dir, Type: "fuse", Kind: FUSE})
}

func TestADiskCanDoAll(t *testing.T) {
	dir := nettest.TempDir(t)
	got := try(t, dir, true)
	want := Report{
		Dir: dir, Type: "fuse", Kind: FUSE, Replace: Yes, Sync: Yes, Resume: Yes, Seen: Yes,
		Lock: got.Lock, Cases: got.Cases, Sendfile: got.Sendfile, Time: got.Time, // these depend on the system
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Lock == No || got.Time == 0 {
		t.Errorf("lock %v, unit of times %v", got.Lock, got.Time)
	}
	if c := got.Concerns(); len(c) > 0 && got.Sendfile != No {
		t.Errorf("concerns: %v", c)
	}
	wantNothingIn(t, dir)
}

func wantNothingIn(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the directory: %v, %v", left, err)
	}
}

func TestWithoutWritingAFileThatExistsIsSent(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files []string // those that end in a slash are directories; others have content unless they are called empty
		known bool
	}{
		{"a file", []string{"f"}, true},
		{"a file in a directory", []string{"a/", "b/", "b/f"}, true},
		{"a file next to an empty one", []string{"empty", "f"}, true},
		{"no file", []string{"a/"}, false},
		{"an empty file", []string{"empty"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := nettest.TempDir(t)
			for _, name := range tt.files {
				path := filepath.Join(dir, filepath.FromSlash(name))
				var err error
				switch {
				case strings.HasSuffix(name, "/"):
					err = os.Mkdir(path, 0o755)
				case name == "empty":
					err = os.WriteFile(path, nil, 0o644)
				default:
					err = os.WriteFile(path, []byte("content"), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := socketPair(); err != nil {
				t.Skip("no pair of sockets here")
			}
			got := try(t, dir, false)
			if (got.Sendfile != NotTried) != tt.known {
				t.Errorf("sendfile: %q, want an answer: %v", got.Sendfile, tt.known)
			}
			got.Sendfile = NotTried
			if want := (Report{Dir: dir, Type: "fuse", Kind: FUSE}); !cmp.Equal(want, got) {
				t.Errorf("something else was tried: %+v", got)
			}
		})
	}
}

func TestADirectoryThatCannotBeUsedSaysWhy(t *testing.T) {
	got := try(t, filepath.Join(nettest.TempDir(t), "none"), true)
	if !errors.Is(got.Err, fs.ErrNotExist) || strings.Contains(got.Err.Error(), "none") {
		t.Errorf("got %v, want that there is no such directory, without its name", got.Err)
	}
}

func TestALocalFileSystemIsNotTried(t *testing.T) {
	dir := nettest.TempDir(t)
	if r, err := filepath.EvalSymlinks(dir); err == nil {
		dir = r
	}
	got := Probe(dir, Options{Write: true})
	if got.Kind != Local {
		t.Skip("the test folder is on ", got.Type)
	}
	if got.Sendfile != NotTried || got.Replace != NotTried || got.Err != nil || len(got.Concerns()) > 0 {
		t.Errorf("got %+v", got)
	}
}

// The names are those that no client sees, and that the sweep of uploads removes.
func TestTheFilesAreHidden(t *testing.T) {
	if a, b := hiddenName(), hiddenName(); !partial.Is(a) || a == b {
		t.Errorf("names %s and %s", a, b)
	}
}

func TestKindOfAType(t *testing.T) {
	for name, want := range map[string]Kind{
		"ext4": Local, "xfs": Local, "overlay": Local, "tmpfs": Local, "": Local, "nfsd": Local, "fusectl": Local,
		"nfs": Network, "nfs4": Network, "cifs": Network, "ceph": Network, "9p": Network,
		"fuse": FUSE, "fuse.rclone": FUSE, "fuse.juicefs": FUSE, "fuseblk": FUSE, "fusefs.sshfs": FUSE, "macfuse": FUSE,
	} {
		if got := kindOf(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestConcerns(t *testing.T) {
	fine := Report{Kind: Network, Type: "nfs4", Sendfile: Yes, Replace: Yes, Sync: Yes, Resume: Yes, Lock: Yes, Seen: Yes, Cases: Yes}
	with := func(change func(r *Report)) Report {
		r := fine
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name    string
		report  Report
		what    string // in each concern; "": there is none
		instead string
	}{
		{"a good NFS", fine, "", ""},
		{"a good NFS, hard", with(func(r *Report) { r.Options = strings.Split("rw,vers=4.2,hard,local_lock=none", ",") }), "", ""},
		{"soft", with(func(r *Report) { r.Options = []string{"rw", "soft"} }), "soft", "hard"},
		{"softerr", with(func(r *Report) { r.Options = []string{"softerr"} }), "soft", "hard"},
		{"soft of another file system", with(func(r *Report) { r.Type, r.Options = "cifs", []string{"soft"} }), "", ""},
		{"nolock", with(func(r *Report) { r.Options = []string{"nolock"} }), "this host only", "nolock"},
		{"local locks", with(func(r *Report) { r.Options = []string{"local_lock=all"} }), "this host only", "local_lock"},
		{"local locks that nobody needs", with(func(r *Report) { r.Options, r.Lock = []string{"local_lock=all"}, NotTried }), "", ""},
		{"no locks", with(func(r *Report) { r.Lock = No }), "no locks", "one server"},
		{"no sendfile", with(func(r *Report) { r.Sendfile = No }), "copied", "direct_io"},
		{"no replacing", with(func(r *Report) { r.Replace = No }), "replace", "ask again"},
		{"no replacing by rclone", with(func(r *Report) { r.Kind, r.Type, r.Replace = FUSE, "fuse.rclone", No }), "replace", "--vfs-cache-mode"},
		{"no resuming", with(func(r *Report) { r.Resume = No }), "resumed", "whole"},
		{"no sync", with(func(r *Report) { r.Sync = No }), "sync", "--durability"},
		{"it hangs", Report{Kind: Network, Type: "nfs4", Hangs: true}, "does not answer", "503"},
		{"a FUSE of another user", Report{Kind: FUSE, Type: "fuse.x", Options: []string{"user_id=" + strconv.Itoa(os.Geteuid()+1)}, Err: fs.ErrPermission}, "refuses this user", "allow_other"},
		{"a FUSE of this user", Report{Kind: FUSE, Type: "fuse.x", Options: []string{"user_id=" + strconv.Itoa(os.Geteuid())}, Err: fs.ErrPermission}, "", ""},
		{"a FUSE for all", Report{Kind: FUSE, Type: "fuse.x", Options: []string{"allow_other", "user_id=7"}, Err: fs.ErrPermission}, "", ""},
		{"a disk", Report{Kind: Local, Options: []string{"soft"}, Lock: No}, "", ""},
	} {
		got := tt.report.Concerns()
		switch {
		case tt.what == "" && len(got) > 0, tt.what != "" && len(got) != 1:
			t.Errorf("%s: %v", tt.name, got)
		case tt.what != "" && (!strings.Contains(got[0].What, tt.what) || !strings.Contains(got[0].Instead, tt.instead)):
			t.Errorf("%s: %v, want %q and %q", tt.name, got[0], tt.what, tt.instead)
		}
	}
}

func TestAttributesHaveOnlyWhatIsKnown(t *testing.T) {
	r := Report{
		Dir: "/srv", Kind: Network, Type: "nfs4", Source: "host:/x", Sendfile: Yes, Lock: No, Time: time.Second,
		Options: strings.Split("rw,relatime,rw,vers=4.2,hard,addr=10.0.0.1,actimeo=3,hard", ","), Err: fs.ErrPermission,
	}
	want := []any{
		"at", "/srv", "type", "nfs4", "source", "host:/x", "options", "vers=4.2,hard,actimeo=3", "err", "permission denied",
		"sendfile", "yes", "lock", "no", "time_unit", "1s",
	}
	if diff := cmp.Diff(want, r.Attrs()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAMountIsDescribedByItsOptions(t *testing.T) {
	var r Report
	r.describe(mounts.FileSystem{Point: "/mnt", Type: "nfs", Source: "h:/x", Options: "rw,soft,local_lock=none"})
	if r.Kind != Network || !r.has("soft") || r.has("local_lock") {
		t.Errorf("got %+v", r)
	}
	if value, ok := r.option("local_lock"); value != "none" || !ok {
		t.Errorf("local_lock: %q, %v", value, ok)
	}
}
