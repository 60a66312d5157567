package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// canRestrict is set on systems that may have a sandbox.
const canRestrict = true

func contain(p Plan) (Report, error) {
	r := Report{UID: os.Geteuid(), GID: os.Getegid()}
	u := p.User
	keep := capsToKeep(u, r.UID)
	if p.Mode == Off {
		if err := setUser(u); err != nil {
			return r, err
		}
	} else if err := restrict(p, u, keep, &r); err != nil {
		return r, err
	}
	if u != nil {
		r.UID, r.GID, r.User = u.UID, u.GID, u.Name
	} else {
		r.User = nameOf(r.UID)
	}
	return r, verify(p, u, keep, &r)
}

// restrict closes the sandbox in the order that the kernel requires: the ruleset first,
// because opening its files may need root; the filter of system calls last.
func restrict(p Plan, u *User, keep capSet, r *Report) error {
	if err := ll.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	r.NoNewPrivs = true
	restrictFiles(p, r)
	var err error
	if r.bounded, err = dropBounding(keep); err != nil {
		return err
	}
	if err := setUser(u); err != nil {
		return err
	}
	if err := setCaps(keep); err != nil {
		return err
	}
	r.Caps = keep.String()
	if err := filterCalls(deniedToServer); err != nil {
		r.addMissing("seccomp", err)
	} else {
		r.Seccomp = "no execve, ptrace, mount, bpf, modules, keyctl"
	}
	return nil
}

func setUser(u *User) error {
	if u == nil || u.IsRoot() {
		return nil
	}
	return setIDs(u)
}

// checkBecome returns an error if the process cannot become u, without changing anything.
func checkBecome(u *User) error {
	caps, err := effectiveCaps()
	if err != nil {
		return nil //nolint:nilerror // there is no /proc: the attempt will show
	}
	if !caps.has(unix.CAP_SETUID) || !caps.has(unix.CAP_SETGID) {
		return errors.New("root has no CAP_SETUID and CAP_SETGID here")
	}
	for _, m := range []struct {
		file string
		id   int
	}{{"/proc/self/uid_map", u.UID}, {"/proc/self/gid_map", u.GID}} {
		content, err := os.ReadFile(m.file)
		if err == nil && !isMapped(string(content), m.id) {
			return fmt.Errorf("the number %d does not exist in this user namespace", m.id)
		}
	}
	if content, err := os.ReadFile("/proc/self/setgroups"); err == nil && string(content) == "deny\n" {
		return errors.New("this user namespace does not allow changing groups")
	}
	return nil
}

// isMapped reports whether a map of user_namespaces(7) contains a number.
func isMapped(m string, id int) bool {
	for line := range strings.Lines(m) {
		var first, outside, n int
		if _, err := fmt.Sscan(line, &first, &outside, &n); err == nil && id >= first && id-first < n {
			return true
		}
	}
	return false
}

// verify reads back the status of each thread and compares it with the plan.
func verify(p Plan, u *User, keep capSet, r *Report) error {
	threads, err := readThreads()
	if errors.Is(err, os.ErrNotExist) {
		r.addMissing("proof", errors.New("there is no /proc to read back what is in force"))
		return nil
	}
	if err != nil {
		return fmt.Errorf("read back what is in force: %w", err)
	}
	for _, t := range threads {
		if u != nil {
			if err := t.checkUser(u); err != nil {
				return err
			}
		}
		if p.Mode == Off {
			continue
		}
		if err := t.checkPrivileges(keep, r.bounded, r.Seccomp != ""); err != nil {
			return err
		}
	}
	if r.Landlock != "" && !containsRoot(p.Trees) {
		// No rule allows the root directory, so it cannot be opened.
		f, err := os.Open("/")
		if err == nil {
			_ = f.Close()
		}
		if !errors.Is(err, syscall.EACCES) {
			return fmt.Errorf("landlock is not in force: opening / gives %v", err)
		}
	}
	return nil
}

// nameOf returns a name for messages. The process may be unable to look names up.
func nameOf(uid int) string {
	if uid == 0 {
		return "root"
	}
	return strconv.Itoa(uid)
}
