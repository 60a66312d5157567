package ftpd

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"sluice/ftpd/internal/control"
	"sluice/internal/account"
)

// siteCommands are the commands after SITE, which itself needs a login.
var siteCommands = map[string]command{
	"CHMOD":   {arg: requiredArg, syntax: "mode file", run: (*session).siteChmod},
	"UTIME":   {arg: requiredArg, syntax: "YYYYMMDDhhmm[ss] file", run: (*session).siteUtime},
	"UMASK":   {arg: optionalArg, syntax: "[mask]", run: (*session).siteUmask},
	"SYMLINK": {arg: requiredArg, syntax: "target link", run: (*session).siteSymlink},
	"WHO":     {run: (*session).siteWho},
	"QUOTA":   {run: (*session).siteQuota},
}

// driverSiteCommands are further commands of ftpserverlib, for its drivers.
var driverSiteCommands = map[string]command{
	"CHOWN": {arg: requiredArg, syntax: "user[:group] file", run: (*session).siteChown},
	"MKDIR": {arg: requiredArg, syntax: "directory", run: (*session).siteMkdir},
	"RMDIR": {arg: requiredArg, syntax: "directory", run: (*session).siteRmdir},
}

// siteCommands returns the commands after SITE that this server has.
func (s *session) siteCommands() map[string]command {
	if s.server.driver == nil {
		return siteCommands
	}
	all := maps.Clone(siteCommands)
	maps.Copy(all, driverSiteCommands)
	return all
}

// site answers SITE. A driver's own commands come first.
func (s *session) site(arg string) reply {
	if s.user.ext.site != nil {
		switch answer := s.user.ext.site(arg); {
		case answer == nil:
		case answer.Code < 200 || answer.Code > 599: // not a final reply
			return newReply(500, "The driver has returned no valid reply")
		default:
			return newReply(answer.Code, textLines(answer.Message)...)
		}
	}
	name, rest := control.Split(arg)
	if name == "HELP" {
		return helpOn("SITE ", s.siteCommands(), rest)
	}
	cmd, ok := s.siteCommands()[name]
	if !ok {
		return newReply(504, "Unknown command, see SITE HELP")
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
		return newReply(501, "Invalid mode or missing name: use SITE CHMOD 644 file")
	}
	c := s.beginChange(opSite+"CHMOD", name)
	return c.end(s.setMode(name, mode), newReply(200, fmt.Sprintf("Mode of %s is %03o", name, mode)))
}

// siteUtime sets the time of a file. Clients send "time name", or "name atime mtime
// ctime UTC".
func (s *session) siteUtime(arg string) reply {
	when, name, ok := cutTime(arg)
	if !ok {
		when, name, ok = cutMinutes(arg)
	}
	if !ok {
		when, name, ok = cutThreeTimes(arg)
	}
	if !ok {
		return newReply(501, "Invalid time or missing name: use SITE UTIME YYYYMMDDhhmmss file")
	}
	c := s.beginChange(opSite+"UTIME", name)
	return c.end(s.setTime(name, when), newReply(200, "Time of "+name+" is "+when.Format(timeFormat)))
}

// cutMinutes is cutTime for a time without seconds.
func cutMinutes(arg string) (when time.Time, rest string, ok bool) {
	text, rest, _ := strings.Cut(arg, " ")
	when, err := parseTimeAs(timeFormat[:len("YYYYMMDDhhmm")], text)
	return when, rest, err == nil && rest != ""
}

// cutThreeTimes splits arg, "name atime mtime ctime UTC", into mtime and name.
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

// siteUmask shows or sets the umask of the session.
func (s *session) siteUmask(arg string) reply {
	if arg != "" {
		mask, ok := parseMode(arg)
		if !ok {
			return newReply(501, "Invalid mask: use SITE UMASK 022")
		}
		s.umask = &mask
	}
	return newReply(200, fmt.Sprintf("UMASK is %03o", s.mask()))
}

// siteSymlink makes a symbolic link. A name with a space must be quoted.
func (s *session) siteSymlink(arg string) reply {
	target, link := cutQuoted(arg)
	if link == "" {
		target, link, _ = strings.Cut(arg, " ")
	}
	if link, _ = cutQuoted(link); link == "" {
		return newReply(501, "Names missing: use SITE SYMLINK target link")
	}
	c := s.beginChange(opSite+"SYMLINK", link)
	c.record.NewPath = s.path(target)
	return c.end(s.symlink(c.record.NewPath, c.record.Path), newReply(200, link+" leads to "+target))
}

// symlink makes a link to an existing file or directory.
func (s *session) symlink(target, link string) error {
	if err := s.user.may(account.Link, link); err != nil {
		return err
	}
	if s.user.ext.symlink == nil { // a driver checks the target itself
		if _, err := s.user.stat(target); err != nil {
			return err
		}
	}
	return s.user.symlink(target, link)
}

// siteChown sets the owner and group of a file, both by numbers.
func (s *session) siteChown(arg string) reply {
	ids, name, _ := strings.Cut(arg, " ")
	owner, group, _ := strings.Cut(ids, ":")
	uid, err := strconv.ParseUint(owner, 10, 31)
	gid := uint64(0)
	if err == nil && group != "" {
		gid, err = strconv.ParseUint(group, 10, 31)
	}
	if err != nil || name == "" {
		return newReply(501, "Invalid number or missing name: use SITE CHOWN 1000:1000 file")
	}
	c := s.beginChange(opSite+"CHOWN", name)
	err = s.user.changeFile(c.record.Path, func(name string) error { return s.user.tree.Chown(name, int(uid), int(gid)) })
	return c.end(err, newReply(200, "Owner of "+name+" is "+ids))
}

// siteMkdir makes a directory and its missing parents.
func (s *session) siteMkdir(arg string) reply {
	c := s.beginChange(opSite+"MKDIR", arg)
	return c.end(s.user.mkdirAll(c.record.Path, 0o777&^s.mask()), newReply(250, "Directory created"))
}

// siteRmdir removes a directory with all its contents.
func (s *session) siteRmdir(arg string) reply {
	c := s.beginChange(opSite+"RMDIR", arg)
	err := errCurrent
	if !s.isCurrent(c.record.Path) {
		err = s.user.removeAll(c.record.Path)
	}
	return c.end(err, newReply(250, "Directory deleted with all its contents"))
}
