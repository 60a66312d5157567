package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mode says how much the sandbox matters.
type Mode string

// The modes there are.
const (
	Auto     Mode = "auto"     // take what the kernel has, and report what it lacks
	Required Mode = "required" // what is lacking is an error
	Off      Mode = "off"      // no Landlock, seccomp, no_new_privs; the user changes all the same
)

// Modes are all of them, for messages.
var Modes = []string{string(Auto), string(Off), string(Required)}

// Plan says how a process is to be contained.
type Plan struct {
	User *User // whom to become; nil: nobody else
	Mode Mode  // "": Auto

	// Trees are the directories whose files the process may open; Write says whether it may
	// also change what is in them. Where a name of one leads over symbolic links, the
	// directories that hold the links and their targets are open too, so that a link may
	// lead to another target later.
	Trees []string
	Write bool

	// NotifySocket is where systemd is told of the state; "": nowhere.
	NotifySocket string
}

// NeedsHelper reports whether the process will not be able to read its own files again.
func (p Plan) NeedsHelper() bool {
	return p.Mode != Off && canRestrict || p.User != nil && !p.User.IsRoot()
}

// Report says what is in force.
type Report struct {
	User       string   // by name
	UID        int      // -1: a system without
	GID        int      //
	Landlock   string   // "" or what it allows
	Seccomp    string   // "" or what it refuses
	Caps       string   // "" or which capabilities are left; not Linux: ""
	NoNewPrivs bool     // no_new_privs
	Missing    []string // what was wanted and is not in force, with the reason

	bounded bool // the bounding set of capabilities was cut
}

// addMissing notes something that is not in force.
func (r *Report) addMissing(what string, err error) {
	r.Missing = append(r.Missing, fmt.Sprintf("%s: %v", what, err))
}

// Contain contains the process for the rest of its life. It is to be called once. After an
// error the process must end: part of it may be in force.
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

// ErrMissing is the cause of Contain's error if something is not to be had that is required.
var ErrMissing = errors.New("the sandbox is required, and lacks")
