package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// thread holds the privileges of a thread, from proc_pid_status(5).
type thread struct {
	id       string
	uids     [4]int // real, effective, saved, of the file system
	gids     [4]int
	groups   []int
	caps     map[string]capSet // by the suffix of the field: Inh, Prm, Eff, Bnd, Amb
	noNew    bool
	filtered bool // by seccomp
}

// readThreads reads the status of all threads of the process.
func readThreads() ([]thread, error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, err
	}
	var all []thread
	for _, e := range entries {
		content, err := os.ReadFile("/proc/self/task/" + e.Name() + "/status")
		if hasEnded(err) {
			continue // the thread has ended
		}
		if err != nil {
			return nil, err
		}
		t, err := parseStatus(string(content))
		if err != nil {
			return nil, fmt.Errorf("thread %s: %w", e.Name(), err)
		}
		t.id = e.Name()
		all = append(all, t)
	}
	return all, nil
}

func hasEnded(err error) bool {
	return os.IsNotExist(err) || err != nil && strings.Contains(err.Error(), syscall.ESRCH.Error())
}

func parseStatus(content string) (t thread, err error) {
	t.caps = make(map[string]capSet)
	fields := 0
	for line := range strings.Lines(content) {
		key, value, _ := strings.Cut(line, ":")
		words := strings.Fields(value)
		switch key {
		case "Uid", "Gid":
			fields++
			ids := &t.uids
			if key == "Gid" {
				ids = &t.gids
			}
			for i := range ids {
				if len(words) <= i {
					return t, fmt.Errorf("%s has %d numbers", key, len(words))
				}
				if ids[i], err = strconv.Atoi(words[i]); err != nil {
					return t, err
				}
			}
		case "Groups":
			fields++
			for _, w := range words {
				g, err := strconv.Atoi(w)
				if err != nil {
					return t, err
				}
				t.groups = append(t.groups, g)
			}
		case "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
			fields++
			caps, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return t, err
			}
			t.caps[key[3:]] = capSet(caps)
		case "NoNewPrivs":
			t.noNew = strings.TrimSpace(value) == "1"
		case "Seccomp":
			t.filtered = strings.TrimSpace(value) == "2"
		}
	}
	if fields < 8 {
		return t, fmt.Errorf("fields are missing in the status")
	}
	return t, nil
}

// checkUser returns an error if the thread does not run as u.
func (t *thread) checkUser(u *User) error {
	for i := range t.uids {
		if t.uids[i] != u.UID || t.gids[i] != u.GID && !u.IsRoot() {
			return fmt.Errorf("thread %s has users %v and groups %v, want %d and %d for all", t.id, t.uids, t.gids, u.UID, u.GID)
		}
	}
	if u.IsRoot() {
		return nil // root keeps the groups of its start
	}
	want := append(slices.Clone(u.Groups), u.GID)
	for _, g := range t.groups {
		if !slices.Contains(want, g) {
			return fmt.Errorf("thread %s is in group %d, which %s is not", t.id, g, u.Name)
		}
	}
	return nil
}

// checkPrivileges returns an error if the thread has more privileges than planned.
func (t *thread) checkPrivileges(keep capSet, bounded, filtered bool) error {
	for name, caps := range t.caps {
		if extra := caps &^ keep; extra != 0 && (bounded || name != "Bnd") {
			return fmt.Errorf("thread %s still has the capabilities %v (Cap%s)", t.id, extra, name)
		}
	}
	switch {
	case !t.noNew:
		return fmt.Errorf("thread %s lacks no_new_privs", t.id)
	case filtered && !t.filtered:
		return fmt.Errorf("thread %s lacks the seccomp filter", t.id)
	}
	return nil
}
