package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mode is how strictly the sandbox is required.
type Mode string

// The modes.
const (
	Auto     Mode = "auto"     // use what the kernel has, and report what is missing
	Required Mode = "required" // anything missing is an error
	Off      Mode = "off"      // no Landlock, seccomp and no_new_privs; the user still changes
)

// Modes are all modes, for messages.
var Modes = []string{string(Auto), string(Off), string(Required)}

// Plan is the sandbox that a process needs.
type Plan struct {
	User *User // to become; nil: no change
	Mode Mode  // "": Auto

	// Trees are the directories whose files the process may open, and with Write also
	// change. If a name leads over symbolic links, the directories of the links and of
	// their targets are allowed too, so that a link can be switched later.
	Trees []string
	Write bool

	// State are directories of the server's own, in which it may make, change and remove
	// files whatever Write says.
	State []string

	// Read are directories of others, beneath which files may be read at any time.
	Read []string

	// NotifySocket is the socket of systemd for sd_notify(3); "": none.
	NotifySocket string
}

// NeedsHelper reports whether the process will be unable to read its configuration
// again.
func (p Plan) NeedsHelper() bool {
	return p.Mode != Off && canRestrict || p.User != nil && !p.User.IsRoot()
}

// Report is what is in force.
type Report struct {
	User       string   // name, or number
	UID        int      // -1: the system has none
	GID        int      //
	Landlock   string   // what it allows; "": not in force
	Seccomp    string   // what it refuses; "": not in force
	Caps       string   // capabilities that are left; "": none, or not Linux
	NoNewPrivs bool     // no_new_privs
	Missing    []string // what is not in force, each with the reason

	bounded bool // the bounding set was reduced
}

// addMissing records something that is not in force.
func (r *Report) addMissing(what string, err error) {
	r.Missing = append(r.Missing, fmt.Sprintf("%s: %v", what, err))
}

// Contain sandboxes the process until its end. It must be called only once. After an error
// the process must end, because part of the sandbox may be in force.
func Contain(p Plan) (Report, error) {
	if p.Mode != "" && !slices.Contains(Modes, string(p.Mode)) {
		return Report{}, fmt.Errorf("sandbox %q is none of %s", p.Mode, strings.Join(Modes, ", "))
	}
	r, err := contain(p)
	if p.User != nil && p.User.StaysRoot != nil {
		r.Missing = append(r.Missing, p.User.StaysRoot.Error())
	}
	switch {
	case err != nil:
		return r, err
	case p.Mode == Required && len(r.Missing) > 0:
		return r, fmt.Errorf("%w: %s", ErrMissing, strings.Join(r.Missing, "; "))
	}
	return r, nil
}

// ErrMissing is returned by Contain if something is missing in the mode Required.
var ErrMissing = errors.New("the sandbox is required, but it lacks")
