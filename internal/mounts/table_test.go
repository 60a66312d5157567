package mounts

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// list is a source that a test changes.
type list struct {
	entries   []entry
	isChanged bool
	reads     int
}

func (l *list) changed() bool { return l.isChanged }

func (l *list) read() []entry {
	l.reads++
	l.isChanged = false
	return l.entries
}

// path returns a path of this system.
func path(p string) string { return filepath.FromSlash(p) }

func newRegister(points ...string) (*register, *list, *time.Duration) {
	l := &list{}
	for i, p := range points {
		l.entries = append(l.entries, entry{point: path(p), id: string(rune('a' + i)), what: FileSystem{Point: path(p)}})
	}
	now := new(time.Duration)
	return &register{source: l, now: func() time.Duration { return *now }, within: new(atomic.Int64)}, l, now
}

func TestAPathIsOnTheMountWithTheLongestPointAboveIt(t *testing.T) {
	for name, tt := range map[string]struct {
		points          []string
		dir, path, want string
	}{
		"a file on the mount of the directory":        {[]string{"/", "/srv"}, "/srv/pub", "f", "/srv"},
		"the directory itself":                        {[]string{"/", "/srv"}, "/srv/pub", ".", "/srv"},
		"a mount that is the directory":               {[]string{"/", "/srv/pub"}, "/srv/pub", "a/b", "/srv/pub"},
		"a mount below the directory":                 {[]string{"/", "/srv/pub/mnt"}, "/srv/pub", "mnt/f", "/srv/pub/mnt"},
		"the mount point itself":                      {[]string{"/", "/srv/pub/mnt"}, "/srv/pub", "mnt", "/srv/pub/mnt"},
		"a name that only begins like a mount point":  {[]string{"/", "/srv/pub/mnt"}, "/srv/pub", "mnt2/f", "/"},
		"a directory that only begins like a mount":   {[]string{"/", "/srv"}, "/srv2", "f", "/"},
		"a mount in a mount":                          {[]string{"/", "/srv/m", "/srv/m/n"}, "/srv", "m/n/f", "/srv/m/n"},
		"a mount in a mount, which is listed first":   {[]string{"/", "/srv/m/n", "/srv/m"}, "/srv", "m/n/f", "/srv/m/n"},
		"everything is served":                        {[]string{"/", "/srv"}, "/", "srv/f", "/srv"},
		"everything is served, and it is on the root": {[]string{"/", "/srv"}, "/", "etc/f", "/"},
		"a system without a list":                     {nil, "/srv", "f", "/srv"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _, _ := newRegister(tt.points...)
			if got := beneathBy(r, path(tt.dir)).At(path(tt.path)).Point(); got != path(tt.want) {
				t.Errorf("got %s, want %s", got, path(tt.want))
			}
		})
	}
}

func TestALaterMountHidesAnEarlierOneAtTheSamePoint(t *testing.T) {
	for _, dir := range []string{"/srv", "/srv/m"} {
		r, _, _ := newRegister("/", "/srv/m", "/srv/m")
		tree := beneathBy(r, path(dir))
		rel, _ := filepath.Rel(path(dir), path("/srv/m/f"))
		if got := tree.At(rel); got != r.table().all[2].Mount {
			t.Errorf("%s: not the later mount", dir)
		}
	}
}

func TestTheListIsReadAgainWhenItHasChanged(t *testing.T) {
	r, l, now := newRegister("/", "/srv")
	tree := beneathBy(r, path("/srv"))
	old := tree.At("mnt")
	l.entries = append(l.entries, entry{point: path("/srv/mnt"), id: "new"})
	l.isChanged = true
	if got := tree.At("mnt"); got != old {
		t.Errorf("the list was asked within %v", checkPeriod)
	}
	*now += checkPeriod
	mounted := tree.At("mnt")
	if mounted.Point() != path("/srv/mnt") || tree.At("f") != old {
		t.Errorf("after the mount: got %s, and for a file next to it %s", mounted.Point(), tree.At("f").Point())
	}
	*now += checkPeriod
	if tree.At("mnt") != mounted || l.reads != 2 {
		t.Errorf("the list was read %d times, want 2", l.reads)
	}
	l.entries[len(l.entries)-1].id = "another"
	l.isChanged = true
	*now += checkPeriod
	if got := tree.At("mnt"); got == mounted || got.Point() != path("/srv/mnt") {
		t.Error("another file system at the same point is the same mount")
	}
}

func TestOptionsThatChangeLeaveTheMountWhatItIs(t *testing.T) {
	r, l, now := newRegister("/", "/srv")
	before := r.table().find(path("/srv/f"))
	l.entries[1].what.Options = "ro"
	l.isChanged = true
	*now += checkPeriod
	if m := r.table().mounted(path("/srv/f")); m.Mount != before || m.what.Options != "ro" {
		t.Errorf("after a remount: the same mount %v, options %q", m.Mount == before, m.what.Options)
	}
}

func TestWhatIsUnderADirectoryIsWhatShows(t *testing.T) {
	r, l, _ := newRegister("/", "/srv", "/srv/a", "/srv2", "/srv/a")
	l.entries[4].what.Type = "nfs4"
	got := r.table().under(path("/srv"))
	if len(got) != 1 || got[0] != (FileSystem{Point: path("/srv/a"), Type: "nfs4"}) {
		t.Errorf("got %+v, want the second mount at /srv/a", got)
	}
}

func TestOnlyMountsThatMatterAreBusy(t *testing.T) {
	r, _, _ := newRegister("/", "/srv", "/mnt")
	m := beneathBy(r, path("/srv")).At("f")
	fill(t, m, 2)
	if got := r.busy(); len(got) != 1 || got[0] != (State{Point: path("/srv"), Inside: 2}) {
		t.Errorf("got %+v", got)
	}
}

func TestALookUpAllocatesNothing(t *testing.T) {
	tree := Beneath(t.TempDir())
	if n := testing.AllocsPerRun(100, func() { tree.At("a/b") }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
