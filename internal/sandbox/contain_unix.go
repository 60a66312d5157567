//go:build unix && !linux

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// canRestrict is set on systems that may have a sandbox.
const canRestrict = false

// contain changes the user. These systems have no other means in common.
func contain(p Plan) (Report, error) {
	if err := become(p.User); err != nil {
		return Report{}, err
	}
	r := Report{User: strconv.Itoa(os.Geteuid()), UID: os.Geteuid(), GID: os.Getegid()}
	if p.User != nil {
		r.User = p.User.Name
	}
	if p.Mode != Off {
		r.addMissing("landlock, seccomp, no_new_privs", errors.New("only Linux has them"))
	}
	return r, nil
}

// checkBecome returns nil: only the attempt shows.
func checkBecome(*User) error { return nil }

// become changes the user of the process permanently.
func become(u *User) error {
	if u == nil || u.IsRoot() {
		return nil
	}
	if err := setIDs(u); err != nil {
		return err
	}
	if os.Getuid() != u.UID || os.Geteuid() != u.UID || os.Getgid() != u.GID || os.Getegid() != u.GID {
		return fmt.Errorf("become %s: the process is still user %d, group %d", u.Name, os.Geteuid(), os.Getegid())
	}
	if u.UID != 0 && syscall.Setuid(0) == nil {
		return fmt.Errorf("become %s: the process can become root again", u.Name)
	}
	return nil
}

// self returns the path of this program.
func self() string {
	name, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return name
}

// containHelper does nothing on these systems.
func containHelper(NamedFiles) {}
