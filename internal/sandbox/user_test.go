package sandbox

import (
	"errors"
	"os/user"
	"strconv"
	"strings"
	"testing"
)

// machine returns a chooser for a machine with these users, where owner owns the served
// directory.
func machine(euid, owner int, users ...*user.User) chooser {
	by := func(match func(*user.User) bool) (*user.User, error) {
		for _, u := range users {
			if match(u) {
				return u, nil
			}
		}
		return nil, errors.New("unknown")
	}
	return chooser{
		euid:      euid,
		canBecome: func(*User) error { return nil },
		owner:     func(string) (int, int, error) { return owner, owner + 1, nil },
		lookup: func(name string) (*user.User, error) {
			return by(func(u *user.User) bool { return u.Username == name })
		},
		lookupID: func(uid string) (*user.User, error) { return by(func(u *user.User) bool { return u.Uid == uid }) },
		lookupGroup: func(name string) (*user.Group, error) {
			if name == "www" {
				return &user.Group{Gid: "33", Name: "www"}, nil
			}
			return nil, errors.New("unknown")
		},
	}
}

func TestChoose(t *testing.T) {
	sluice := &user.User{Username: "sluice", Uid: "900", Gid: "901"}
	nobody := &user.User{Username: "nobody", Uid: "65534", Gid: "65533"}
	alice := &user.User{Username: "alice", Uid: "1000", Gid: "1001"}
	root := &user.User{Username: "root", Uid: "0", Gid: "0"}
	all := []*user.User{root, nobody, alice, sluice}
	for _, tt := range []struct {
		name    string
		machine chooser
		spec    string
		want    string // user:uid:gid; "": nil
		err     string
	}{
		{"root becomes sluice if it exists", machine(0, 1000, all...), "", "sluice 900 901", ""},
		{"else the owner of the directory", machine(0, 1000, root, nobody, alice), "", "alice 1000 1001", ""},
		{"an owner without a name has the directory's group", machine(0, 1234, root, nobody), "", "1234 1234 1235", ""},
		{"nobody, if root owns the directory", machine(0, 0, root, nobody, alice), "", "nobody 65534 65533", ""},
		{"nobody by number, without /etc/passwd", machine(0, 0), "", "nobody 65534 65534", ""},
		{"another user does not change", machine(1000, 0, all...), "", "", ""},
		{"a named user", machine(0, 0, all...), "alice", "alice 1000 1001", ""},
		{"a number", machine(0, 0, all...), "1000", "alice 1000 1001", ""},
		{"a group", machine(0, 0, all...), "alice:www", "alice 1000 33", ""},
		{"numbers without entries", machine(0, 0), "7:8", "7 7 8", ""},
		{"root stays root", machine(0, 0, all...), "root", "root 0 0", ""},
		{"root needs no file", machine(0, 0), "root", "root 0 0", ""},
		{"root by number needs no file", machine(0, 0), "0", "root 0 0", ""},
		{"a number without a group", machine(0, 0), "7", "", "7:GROUP"},
		{"an unknown user", machine(0, 0, all...), "bob", "", `no user "bob"`},
		{"an unknown group", machine(0, 0, all...), "alice:x", "", `no group "x"`},
		{"the number that means none", machine(0, 0), "4294967295:1", "", "no user"},
		{"another user cannot become a third", machine(1000, 0, all...), "sluice", "", "only root"},
		{"another user may name itself", machine(1000, 0, all...), "alice", "", ""},
		{"but not with another group", machine(1000, 0, all...), "alice:www", "", "only root"},
		{"a system without users", machine(-1, 0), "alice", "", "no such users"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, err := tt.machine.choose(tt.spec, "/srv")
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if u != nil {
				got = strings.Join([]string{u.Name, strconv.Itoa(u.UID), strconv.Itoa(u.GID)}, " ")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// In a user namespace that maps only root, no other user exists.
func TestRootThatCannotChangeStaysRoot(t *testing.T) {
	m := machine(0, 0)
	cause := errors.New("it does not exist here")
	m.canBecome = func(*User) error { return cause }
	u, err := m.choose("", "/srv")
	if err != nil || !u.IsRoot() || !errors.Is(u.StaysRoot, cause) {
		t.Errorf("got %+v, %v, want root with the reason", u, err)
	}
	if u, err := m.choose("7:8", "/srv"); err != nil || u.UID != 7 {
		t.Errorf("a named user: got %+v, %v, want it, so that the attempt fails", u, err)
	}
}

func TestWithoutADirectoryNobodyOwnsIt(t *testing.T) {
	m := machine(0, 1000, &user.User{Username: "alice", Uid: "1000", Gid: "1001"})
	m.owner = func(dir string) (int, int, error) { return 0, 0, errors.New("there is no directory " + dir) }
	u, err := m.choose("", "")
	if err != nil || u.Name != "nobody" || u.UID != overflow {
		t.Errorf("got %+v, %v, want nobody", u, err)
	}
}
