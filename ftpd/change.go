package ftpd

import (
	"io/fs"
	"strconv"
	"strings"
	"time"

	"sluice/internal/account"
)

// setTime sets the time at which a file was last changed.
func (d *driver) setTime(arg string, when time.Time) error {
	return d.change(account.Change, arg, func(name string) error {
		if _, err := d.tree.Stat(name); err != nil { // special files do not exist for a client
			return err
		}
		return d.tree.Chtimes(name, time.Time{}, when)
	})
}

// setMode sets the permission bits of a file.
func (d *driver) setMode(arg string, mode fs.FileMode) error {
	return d.change(account.Change, arg, func(name string) error {
		if _, err := d.tree.Stat(name); err != nil {
			return err
		}
		return d.tree.Chmod(name, mode)
	})
}

// parseMode reads permission bits in octal digits.
func parseMode(text string) (fs.FileMode, bool) {
	n, err := strconv.ParseUint(text, 8, 12)
	return fs.FileMode(n), err == nil && n == n&uint64(fs.ModePerm)
}

// mfmt answers MFMT, which sets the time of a file (draft somers-ftp-mfxx, 3).
func (s *session) mfmt(arg string) reply {
	when, name, ok := cutTime(arg)
	if !ok {
		return say(501, "Not a time and a name")
	}
	if err := s.driver.setTime(name, when); err != nil {
		return unavailable(err)
	}
	return say(213, "Modify="+when.Format(timeFormat)+"; "+name)
}

// mff answers MFF, which sets facts of a file (draft somers-ftp-mfxx, 5): all,
// or none if one of them is not known.
func (s *session) mff(arg string) reply {
	list, name, ok := strings.Cut(arg, "; ")
	if !ok || name == "" {
		return say(501, "Not facts and a name")
	}
	var set []func() error
	for fact := range strings.SplitSeq(list, ";") {
		key, value, _ := strings.Cut(fact, "=")
		when, err := parseTime(value)
		mode, isMode := parseMode(value)
		switch {
		case strings.EqualFold(key, "modify") && err == nil:
			set = append(set, func() error { return s.driver.setTime(name, when) })
		case strings.EqualFold(key, "UNIX.mode") && isMode:
			set = append(set, func() error { return s.driver.setMode(name, mode) })
		default:
			return say(504, "Cannot set the fact "+key)
		}
	}
	for _, f := range set {
		if err := f(); err != nil {
			return unavailable(err)
		}
	}
	return say(213, list+"; "+name)
}
