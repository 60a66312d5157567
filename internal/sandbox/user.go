package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// User is a user that a process runs as.
type User struct {
	Name      string // for messages: the name, or the number if it has none
	UID       int
	GID       int
	Groups    []int  // supplementary
	Reason    string // why this user was chosen; "": it was named
	StaysRoot error  // why the process stays root although that was not requested; else nil
}

// IsRoot reports whether u is root.
func (u *User) IsRoot() bool { return u != nil && u.UID == 0 }

// ErrNotRoot is returned by ChooseUser if another user was named and the process is not root.
var ErrNotRoot = errors.New("only root can become another user; start as root, or as that user")

const (
	// ownUser is the user that a package or systemd-sysusers creates for the server.
	ownUser = "sluice"
	// overflow is the ID of nobody if no file has one; the kernel uses it, kernel/sys.c.
	overflow = 65534
)

// ChooseUser returns the user that the process will become: that of spec, USER[:GROUP], each a
// name or a number. With an empty spec root becomes the user sluice if it exists, else the
// owner of dir unless that is root, else nobody. A dir of "" has no owner. It is nil if the user does not change:
// the process is not root, or the system has no such users.
func ChooseUser(spec, dir string) (*User, error) {
	return chooser{
		euid: os.Geteuid(), owner: ownerOf, canBecome: checkBecome,
		lookup: user.Lookup, lookupID: user.LookupId, lookupGroup: user.LookupGroup,
	}.choose(spec, dir)
}

// chooser holds the system calls of ChooseUser, for tests.
type chooser struct {
	euid        int // -1: the system has none
	owner       func(dir string) (uid, gid int, err error)
	canBecome   func(*User) error // an error says why not
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
		if err := c.canBecome(u); err != nil { // as in a container with an unprivileged root
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
		return nil, nil // it is the user of the process
	}
	return nil, ErrNotRoot
}

// defaultUser returns the user that root becomes if none was named.
func (c chooser) defaultUser(dir string) (*User, error) {
	if u, err := c.lookup(ownUser); err == nil {
		return fromEntry(u, "there is a user of this name")
	}
	if dir == "" {
		return c.nobody("there is no user sluice"), nil
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
	return c.nobody("the directory is root's, and there is no user sluice"), nil
}

// nobody returns the user nobody, chosen for that reason.
func (c chooser) nobody(why string) *User {
	if found, err := c.lookup("nobody"); err == nil {
		if u, err := fromEntry(found, why); err == nil {
			return u
		}
	}
	return &User{Name: "nobody", UID: overflow, GID: overflow, Reason: why}
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
		return nil, fmt.Errorf("user %s has no entry with its group; write it like %s:GROUP", name, name)
	case !hasGroup:
		return u, nil
	}
	if u.GID, err = c.group(group); err != nil {
		return nil, err
	}
	return u, nil
}

// find returns a user by name or number; GID is -1 if unknown.
func (c chooser) find(name string) (*User, error) {
	if found, err := c.lookup(name); err == nil {
		return fromEntry(found, "")
	}
	if name == "root" { // known without /etc/passwd, as in a chroot
		return &User{Name: name}, nil
	}
	uid, err := parseID(name)
	if err != nil {
		return nil, fmt.Errorf("there is no user %q", name)
	}
	if found, err := c.lookupID(name); err == nil {
		return fromEntry(found, "")
	}
	if uid == 0 { // known without /etc/passwd
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

// fromEntry converts an entry of the user database, and adds the groups.
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

// parseID parses the number of a user or a group. -1 means none in system calls.
func parseID(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 1<<32-1 {
		return 0, fmt.Errorf("%q is not the number of a user or a group", s)
	}
	return int(n), nil
}
