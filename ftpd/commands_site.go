package ftpd

import (
	"fmt"
	"strings"
	"time"

	"sluice/ftpd/internal/control"
)

// siteCommands are the commands after SITE, which itself needs a login.
var siteCommands = map[string]command{
	"CHMOD":   {arg: requiredArg, syntax: "mode file", run: (*session).siteChmod},
	"UTIME":   {arg: requiredArg, syntax: "YYYYMMDDhhmm[ss] file", run: (*session).siteUtime},
	"UMASK":   {arg: optionalArg, syntax: "[mask]", run: (*session).siteUmask},
	"SYMLINK": {arg: requiredArg, syntax: "target link", run: (*session).siteSymlink},
	"WHO":     {run: (*session).siteWho},
}

// site answers SITE: commands of our own.
func (s *session) site(arg string) reply {
	name, rest := control.Split(arg)
	if name == "HELP" {
		return helpOn("SITE ", siteCommands, rest)
	}
	cmd, ok := siteCommands[name]
	if !ok {
		return say(504, "Unknown command, see SITE HELP")
	}
	if refusal := cmd.checkArg("SITE "+name, rest); !refusal.IsZero() {
		return refusal
	}
	return cmd.run(s, rest)
}

// siteChmod sets the permission bits of a file.
func (s *session) siteChmod(arg string) reply {
	digits, name, _ := strings.Cut(arg, " ")
	mode, ok := parseMode(digits)
	if !ok || name == "" {
		return say(501, "Not a mode of permission bits and a name")
	}
	if err := s.setMode(name, mode); err != nil {
		return unavailable(err)
	}
	return say(200, fmt.Sprintf("Mode of %s is %03o", name, mode))
}

// siteUtime sets the time of a file, in either of two forms that clients have:
// "time name", and "name atime mtime ctime UTC".
func (s *session) siteUtime(arg string) reply {
	when, name, ok := cutTime(arg)
	if !ok {
		when, name, ok = cutMinutes(arg)
	}
	if !ok {
		when, name, ok = cutThreeTimes(arg)
	}
	if !ok {
		return say(501, "Not a time and a name")
	}
	if err := s.setTime(name, when); err != nil {
		return unavailable(err)
	}
	return say(200, "Time of "+name+" is "+when.Format(timeFormat))
}

// cutMinutes is cutTime for a time without seconds.
func cutMinutes(arg string) (when time.Time, rest string, ok bool) {
	text, rest, _ := strings.Cut(arg, " ")
	when, err := parseTimeAs(timeFormat[:len("YYYYMMDDhhmm")], text)
	return when, rest, err == nil && rest != ""
}

// cutThreeTimes takes the second of three times from the end of arg.
func cutThreeTimes(arg string) (when time.Time, name string, ok bool) {
	words := strings.Split(arg, " ")
	n := len(words) - 4
	if n < 1 || words[n+3] != "UTC" {
		return time.Time{}, "", false
	}
	when, err := parseTime(words[n+1])
	name = strings.Join(words[:n], " ")
	return when, name, err == nil && name != ""
}

// siteUmask tells or sets which permission bits new files do not get.
func (s *session) siteUmask(arg string) reply {
	if arg != "" {
		mask, ok := parseMode(arg)
		if !ok {
			return say(501, "Not a mask of permission bits")
		}
		s.umask = &mask
	}
	return say(200, fmt.Sprintf("UMASK is %03o", s.mask()))
}

// siteSymlink makes a symbolic link. Neither name need be quoted if it has no space.
func (s *session) siteSymlink(arg string) reply {
	target, link := cutQuoted(arg)
	if link == "" {
		target, link, _ = strings.Cut(arg, " ")
	}
	if link, _ = cutQuoted(link); link == "" {
		return say(501, "Not two names")
	}
	to := s.path(target)
	if _, err := s.user.stat(to); err != nil {
		return unavailable(err)
	}
	if err := s.user.symlink(to, s.path(link)); err != nil {
		return unavailable(err)
	}
	return say(200, link+" leads to "+target)
}
