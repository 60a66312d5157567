package sandbox

import (
	"os"
	"path/filepath"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// self returns the path of this program, valid even if its file was replaced.
func self() string {
	const name = "/proc/self/exe"
	if _, err := os.Stat(name); err != nil { // /proc is not mounted
		return os.Args[0]
	}
	return name
}

// containHelper sandboxes the helper as far as the kernel can. Its requests are three
// bytes, so this is a second line of defence.
func containHelper(named NamedFiles) {
	has, err := effectiveCaps() // while /proc can be read
	_ = ll.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	var rules []landlock.Rule
	for _, name := range named.Read {
		for _, place := range directories(name) {
			rules = append(rules, landlock.PathAccess(ll.AccessFSReadFile, place).IgnoreIfMissing())
		}
	}
	for _, name := range named.Remove {
		rules = append(rules, landlock.PathAccess(ll.AccessFSRemoveFile, filepath.Dir(name)).IgnoreIfMissing())
	}
	c := landlock.Config{HandledAccessFS: landlock.V9.HandledAccessFS, Scoped: ll.ScopeSignal | ll.ScopeAbstractUnixSocket}
	_ = c.BestEffort().Restrict(rules...)
	keep := capSet(1 << unix.CAP_DAC_READ_SEARCH)
	if len(named.Remove) > 0 {
		keep |= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER
	}
	if err == nil {
		_, _ = dropBounding(has & keep)
		_ = setCaps(has & keep)
	}
	_ = filterCalls(deniedToHelper)
}

// directories returns where a file may be at a reload: in the directory of its name, or in
// that of its target now if it is a link. For a file in the root directory only the file
// itself is returned, because a rule for / would allow all files.
func directories(name string) (dirs []string) {
	for _, resolve := range []func(string) (string, error){filepath.Abs, filepath.EvalSymlinks} {
		file, err := resolve(name)
		if err != nil {
			continue
		}
		if file, err = filepath.Abs(file); err != nil {
			continue
		}
		dir := filepath.Dir(file)
		if dir == "/" {
			dir = file
		}
		dirs = append(dirs, dir)
	}
	return dirs
}
