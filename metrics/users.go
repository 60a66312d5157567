package metrics

import (
	"fmt"
	"time"
)

// A User is someone who has logged in to the host, by a terminal, by ssh(1) or by a
// desktop. The names come from the system's record of logins, in which the programs
// of the logins write; a login that was cut may remain there.
type User struct {
	Name     string
	Terminal string    // like "pts/3"; "": none
	Host     string    // name or address of the other host, or an X display like ":0"; "": this host
	Since    time.Time // of the login
	PID      int       // of the process of the login; 0: unknown
}

// Users returns the users who have logged in to the host. The error is
// errors.ErrUnsupported if the system keeps no such record, as in containers, and on
// Linux systems without /run/utmp.
func (h Host) Users() ([]User, error) {
	users, err := h.users()
	if err != nil {
		return nil, fmt.Errorf("metrics: users: %w", err)
	}
	return users, nil
}
