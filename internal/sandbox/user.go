package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// User is who a process runs as.
type User struct {
	Name      string // for messages: the name, or the number if it has none
	UID       int
	GID       int
	Groups    []int  // supplementary
	Reason    string // why this one was chosen; "": it was named
	StaysRoot error  // why root stays root, which was not asked for; nil: it was, or does not
}

// IsRoot reports whether u is the user whom no permission of a file stops.
func (u *User) IsRoot() bool { return u != nil && u.UID == 0 }

// ErrNotRoot is the cause of Choose's error if another user was named and the process may
// not become that.
var ErrNotRoot = errors.New("only root can become another user; start as root, or as that user")

const (
	// ownUser is the user that a package or systemd-sysusers makes for us.
	ownUser = "sluice"
	// overflow is the user and the group nobody where there is no file that says so, kernel/sys.c.
	overflow = 65534
)

// ChooseUser returns the user that the process is to become: that of the spec USER[:GROUP], each
// a name or a number. An empty spec is for root only: the user sluice if there is one, else
// the owner of the directory dir unless that is root, else nobody. It is nil if the
// process stays who it is: not started as root, or on a system without such users.
func ChooseUser(spec, dir string) (*User, error) {
	return chooser{
		euid: os.Geteuid(), owner: ownerOf, canBecome: checkBecome,
		lookup: user.Lookup, lookupID: user.LookupId, lookupGroup: user.LookupGroup,
	}.choose(spec, dir)
}

// chooser holds what Choose asks the system.
type chooser struct {
	euid        int // -1: a system without
	owner       func(dir string) (uid, gid int, err error)
	canBecome   func(*User) error // why the process cannot become that user
	lookup      func(name string) (*user.User, error)
	lookupID    func(uid string) (*user.User, error)
	lookupGroup func(name string) (*user.Group, error)
}

func (c chooser) choose(spec, dir string) (*User, error) {
	switch {
	case spec == "" && c.euid != 0:
		return nil, nil
	case spec == "":
		u, err := c.defaultUser(dir)
		if err != nil {
			return nil, err
		}
		if err := c.canBecome(u); err != nil { // as in a container whose root is nobody outside of it
			return &User{Name: "root", StaysRoot: fmt.Errorf("user %s: %w", u.Name, err)}, nil
		}
		return u, nil
	case c.euid < 0:
		return nil, errors.New("this system has no such users")
	}
	u, err := c.parseSpec(spec)
	switch {
	case err != nil:
		return nil, err
	case c.euid == 0:
		return u, nil
	case u.UID == c.euid && !strings.Contains(spec, ":"):
		return nil, nil // it is who we are
	}
	return nil, ErrNotRoot
}

// defaultUser returns the user for a process that root has started and that was not told another.
func (c chooser) defaultUser(dir string) (*User, error) {
	if u, err := c.lookup(ownUser); err == nil {
		return fromEntry(u, "there is a user of this name")
	}
	uid, gid, err := c.owner(dir)
	if err != nil {
		return nil, err
	}
	const owns = "the directory's owner"
	if uid != 0 {
		if u, err := c.lookupID(strconv.Itoa(uid)); err == nil {
			return fromEntry(u, owns)
		}
		return &User{Name: strconv.Itoa(uid), UID: uid, GID: gid, Reason: owns}, nil
	}
	const nobody = "the directory is root's, and there is no user sluice"
	if u, err := c.lookup("nobody"); err == nil {
		return fromEntry(u, nobody)
	}
	return &User{Name: "nobody", UID: overflow, GID: overflow, Reason: nobody}, nil
}

// parseSpec returns the user of a spec USER[:GROUP].
func (c chooser) parseSpec(spec string) (*User, error) {
	name, group, hasGroup := strings.Cut(spec, ":")
	u, err := c.find(name)
	if err != nil {
		return nil, err
	}
	switch {
	case !hasGroup && u.GID < 0:
		return nil, fmt.Errorf("user %s has no entry that tells its group; write it like %s:GROUP", name, name)
	case !hasGroup:
		return u, nil
	}
	if u.GID, err = c.group(group); err != nil {
		return nil, err
	}
	return u, nil
}

// find returns a user by its name or number; GID -1: not known.
func (c chooser) find(name string) (*User, error) {
	if found, err := c.lookup(name); err == nil {
		return fromEntry(found, "")
	}
	if name == "root" { // in a jail without a file of users too
		return &User{Name: name}, nil
	}
	uid, err := parseID(name)
	if err != nil {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	if found, err := c.lookupID(name); err == nil {
		return fromEntry(found, "")
	}
	if uid == 0 { // no file is needed to know root
		return &User{Name: "root"}, nil
	}
	return &User{Name: name, UID: uid, GID: -1}, nil
}

func (c chooser) group(name string) (int, error) {
	if found, err := c.lookupGroup(name); err == nil {
		return parseID(found.Gid)
	}
	gid, err := parseID(name)
	if err != nil {
		return 0, fmt.Errorf("there is no group %q", name)
	}
	return gid, nil
}

// fromEntry returns a user fromEntry the system's files with its groups.
func fromEntry(found *user.User, why string) (*User, error) {
	u := &User{Name: found.Username, Reason: why}
	var err error
	if u.UID, err = parseID(found.Uid); err != nil {
		return nil, err
	}
	if u.GID, err = parseID(found.Gid); err != nil {
		return nil, err
	}
	ids, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("the groups of %s: %w", u.Name, err)
	}
	for _, id := range ids {
		if gid, err := parseID(id); err == nil && gid != u.GID {
			u.Groups = append(u.Groups, gid)
		}
	}
	return u, nil
}

// parseID parses the parseID of a user or a group. -1 stands for none in the system calls.
func parseID(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 1<<32-1 {
		return 0, fmt.Errorf("%q is no number of a user or a group", s)
	}
	return int(n), nil
}
