package sandbox

import (
	"os"
	"path/filepath"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// self is the program that runs, even if another has taken its name since.
func self() string {
	const name = "/proc/self/exe"
	if _, err := os.Stat(name); err != nil { // no /proc
		return os.Args[0]
	}
	return name
}

// containHelper takes away from the helper what it does not need, as far as the kernel can:
// it is asked by three bytes, so that this is a second line.
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

// directories returns where the file of a name may be at a reload: beneath the directory of the
// name, or that of the file to which it leads now, if it is a link. A file in the root
// directory must stay the one that it is, because a rule about / would be about all files.
func directories(name string) (dirs []string) {
	for _, way := range []func(string) (string, error){filepath.Abs, filepath.EvalSymlinks} {
		file, err := way(name)
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
