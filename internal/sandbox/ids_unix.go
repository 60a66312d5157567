//go:build unix

package sandbox

import (
	"fmt"
	"syscall"
)

// setIDs sets the supplementary groups, the group and the user of all threads.
func setIDs(u *User) error {
	for _, step := range []struct {
		what string
		set  func() error
	}{
		{"groups", func() error { return syscall.Setgroups(u.Groups) }},
		{"group", func() error { return syscall.Setgid(u.GID) }},
		{"user", func() error { return syscall.Setuid(u.UID) }},
	} {
		if err := step.set(); err != nil {
			return fmt.Errorf("become %s (user %d, group %d): set the %s: %w", u.Name, u.UID, u.GID, step.what, err)
		}
	}
	return nil
}
