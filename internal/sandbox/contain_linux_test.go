package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestLinksIn(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(names ...string) (all []string) {
		for _, n := range names {
			all = append(all, filepath.Join(dir, n))
		}
		return all
	}
	for _, d := range []string{"site/releases/1/public", "site/releases/2/public", "data/1", "www"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"site/current": "releases/1", "www/there": filepath.Join(dir, "data/1"), "www/twice": "there", "www/loop": "loop", "www/root": "/",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	at := func(holder, target string, last bool) link { return link{in(holder)[0], in(target)[0], last} }
	for _, tt := range []struct {
		tree string
		want []link
	}{
		{"site/releases/1", nil},
		{"site/current", []link{at("site", "site/releases", true)}},
		{"site/current/public", []link{at("site", "site/releases", false)}},
		{"www/there", []link{at("www", "data", true)}},
		{"www/twice", []link{at("www", "www", true), at("www", "data", true)}},
		{"www/root", []link{{in("www")[0], "/", true}}},
		{"gone", nil},
	} {
		t.Run(tt.tree, func(t *testing.T) {
			if got := linksIn(filepath.Join(dir, tt.tree)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if got := linksIn(filepath.Join(dir, "www/loop")); len(got) != 40 {
		t.Errorf("a loop: got %d links, want 40", len(got))
	}
}

func TestIsMapped(t *testing.T) {
	const all, two = "         0          0 4294967295\n", "         0       1000          1\n         1     100000      65536\n"
	for _, tt := range []struct {
		name, m string
		id      int
		want    bool
	}{
		{"the initial namespace", all, 65534, true},
		{"only root", "0 1000 1\n", 65534, false},
		{"root, if only root is mapped", "0 1000 1\n", 0, true},
		{"the second range", two, 65534, true},
		{"above the second range", two, 65537, false},
		{"an empty map", "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := isMapped(tt.m, tt.id); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestExcessPrivilegesOfAThreadAreFound(t *testing.T) {
	const clean = "Name:\tx\nUid:\t9\t9\t9\t9\nGid:\t8\t8\t8\t8\nGroups:\t8 7 \nNoNewPrivs:\t1\nSeccomp:\t2\n" +
		"CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n"
	u := &User{Name: "u", UID: 9, GID: 8, Groups: []int{7}}
	replaced := func(old, with string) string { return replaceOnce(t, clean, old, with) }
	for _, tt := range []struct {
		name, status string
		bad          bool
	}{
		{"nothing", clean, false},
		{"a saved user", replaced("Uid:\t9\t9\t9\t9", "Uid:\t9\t9\t0\t9"), true},
		{"a file system group", replaced("Gid:\t8\t8\t8\t8", "Gid:\t8\t8\t8\t0"), true},
		{"a group of root", replaced("8 7 ", "8 7 0"), true},
		{"an effective capability", replaced("CapEff:\t00000000000000", "CapEff:\t00000000000001"), true},
		{"an inheritable capability", replaced("CapInh:\t00000000000000", "CapInh:\t00000000000001"), true},
		{"a capability in the bounding set", replaced("CapBnd:\t00000000000000", "CapBnd:\t00000000000001"), true},
		{"no no_new_privs", replaced("NoNewPrivs:\t1", "NoNewPrivs:\t0"), true},
		{"no seccomp filter", replaced("Seccomp:\t2", "Seccomp:\t0"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			th, err := parseStatus(tt.status)
			if err != nil {
				t.Fatal(err)
			}
			err = th.checkUser(u)
			if err == nil {
				err = th.checkPrivileges(0, true, true)
			}
			if (err != nil) != tt.bad {
				t.Errorf("got %v, want an error: %v", err, tt.bad)
			}
		})
	}
	if _, err := parseStatus("Name:\tx\n"); err == nil {
		t.Error("a status without the fields was accepted")
	}
}

func replaceOnce(t *testing.T, s, old, with string) string {
	t.Helper()
	if strings.Count(s, old) != 1 {
		t.Fatalf("%q is not once in the status", old)
	}
	return strings.Replace(s, old, with, 1)
}

func TestLandlockOfOldKernels(t *testing.T) {
	for _, tt := range []struct {
		name  string
		abi   int
		err   error
		write bool
		want  string // in the reason, or else in the description
		fails bool
	}{
		{"no Landlock", 0, syscall.ENOSYS, false, "has none", true},
		{"Landlock that is switched off", 0, syscall.EOPNOTSUPP, false, "has none", true},
		{"renames with the first ABI", 1, nil, true, "ABI 1", true},
		{"reading with the first ABI", 1, nil, false, "ABI 1, read-only (not truncate, ioctl of devices, signals)", false},
		{"writing on Debian 12", 2, nil, true, "ABI 2, read and write (not truncate, ioctl of devices, signals)", false},
		{"truncate", 3, nil, true, "ABI 3, read and write (not ioctl of devices, signals)", false},
		{"all", 6, nil, true, "ABI 6, read and write", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := checkLandlock(tt.abi, tt.err, tt.write)
			if tt.fails {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want a reason with %q", err, tt.want)
				}
				return
			}
			if got := describeLandlock(tt.abi, tt.write); err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
