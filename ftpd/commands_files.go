package ftpd

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
	"sluice/internal/digest"
)

// fileCommands are about files, and need no data connection.
var fileCommands = map[string]command{
	"CWD":  {arg: requiredArg, syntax: "directory", login: true, run: (*session).cwdTo},
	"XCWD": {arg: requiredArg, syntax: "directory", login: true, run: (*session).cwdTo},
	"CDUP": {login: true, run: (*session).cdup},
	"XCUP": {login: true, run: (*session).cdup},
	"PWD":  {login: true, run: (*session).pwd},
	"XPWD": {login: true, run: (*session).pwd},
	"MKD":  {arg: requiredArg, syntax: "directory", login: true, run: (*session).mkd},
	"XMKD": {arg: requiredArg, syntax: "directory", login: true, run: (*session).mkd},
	"RMD":  {arg: requiredArg, syntax: "directory", login: true, run: (*session).rmd},
	"XRMD": {arg: requiredArg, syntax: "directory", login: true, run: (*session).rmd},
	"DELE": {arg: requiredArg, syntax: "file", login: true, run: (*session).dele},
	"RNFR": {arg: requiredArg, syntax: "file", login: true, run: (*session).rnfr},
	"RNTO": {arg: requiredArg, syntax: "file", login: true, run: (*session).rnto},

	"MLST": {arg: optionalArg, syntax: "[file]", login: true, run: (*session).mlst, feat: featMLST},
	"SIZE": {arg: requiredArg, syntax: "file", login: true, run: (*session).size, feat: fixedFeat("SIZE")},
	"MDTM": {arg: requiredArg, syntax: "file", login: true, run: (*session).mdtm, feat: fixedFeat("MDTM")},
	"MFMT": {arg: requiredArg, syntax: "YYYYMMDDhhmmss file", login: true, run: (*session).mfmt, feat: fixedFeat("MFMT")},
	"MFF":  {arg: requiredArg, syntax: "fact=value; file", login: true, run: (*session).mff, feat: fixedFeat("MFF modify;UNIX.mode;")},
	"AVBL": {arg: optionalArg, syntax: "[directory]", login: true, run: (*session).avbl, feat: featAVBL},

	"HASH":    {arg: requiredArg, syntax: "file", login: true, work: (*operation).hash, feat: featHASH},
	"XCRC":    hashCommand(digest.CRC32),
	"XMD5":    hashCommand(digest.MD5),
	"MD5":     hashCommand(digest.MD5),
	"XSHA":    hashCommand(digest.SHA1),
	"XSHA1":   hashCommand(digest.SHA1),
	"XSHA256": hashCommand(digest.SHA256),
	"XSHA512": hashCommand(digest.SHA512),
}

// timeFormat is the format of times in commands and replies (RFC 3659, 2.3), in UTC.
const timeFormat = list.TimeFormat

// cwdTo answers CWD. "~" is the home, unless there is a file with that name.
func (s *session) cwdTo(arg string) reply {
	name := s.path(arg)
	info, err := s.user.stat(name)
	if rest, ok := strings.CutPrefix(arg, "~"); ok && err != nil && (rest == "" || rest[0] == '/') {
		name = absolute("/", "/"+rest)
		info, err = s.user.stat(name)
	}
	switch {
	case err != nil:
		return fileErrorReply(err)
	case !info.IsDir():
		return newReply(550, "Not a directory")
	}
	s.setDir(name)
	return newReply(250, "Directory is "+name)
}

// cdup answers CDUP.
func (s *session) cdup(string) reply { return s.cwdTo("..") }

// pwd answers PWD.
func (s *session) pwd(string) reply { return newReply(257, quote(s.dir())+" is the current directory") }

// quote returns name in quotes, with quotes inside doubled (RFC 959, appendix II).
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// mkd answers MKD. The reply begins with the name in quotes, which programs parse (RFC
// 959, appendix II).
func (s *session) mkd(arg string) reply {
	c := s.beginChange(opMakeDir, arg)
	name := c.record.Path
	return c.end(s.user.mkdir(name, 0o777&^s.mask()), newReply(257, quote(name)+" created"))
}

var errCurrent = errors.New("is the current directory, or above it")

// isCurrent reports whether name is the current directory or one above it.
func (s *session) isCurrent(name string) bool { return contains(name, s.dir()) }

// contains reports whether dir is the directory name, or below it.
func contains(name, dir string) bool {
	return name == "/" || name == dir || strings.HasPrefix(dir, name+"/")
}

// rmd answers RMD. It refuses the directories above the current one, which are not empty,
// and the current one unless it is named by its absolute path: clients that remove a tree
// are in it then.
func (s *session) rmd(arg string) reply {
	c := s.beginChange(opRemoveDir, arg)
	name := c.record.Path
	err := errCurrent
	if !s.isCurrent(name) || name == s.dir() && path.IsAbs(arg) && name != "/" {
		err = s.user.removeDir(name)
	}
	return c.end(err, newReply(250, "Directory deleted"))
}

// dele answers DELE.
func (s *session) dele(arg string) reply {
	c := s.beginChange(opRemove, arg)
	return c.end(s.user.remove(c.record.Path), newReply(250, "File deleted"))
}

// rnfr answers RNFR. It accepts dangling links and special files too.
func (s *session) rnfr(arg string) reply {
	name := s.path(arg)
	// Without the right Rename, RNTO refuses. A user that may not see files must not
	// learn here whether one exists.
	if err := s.user.may(account.Rename, name); err != nil && s.user.mayStat(name) != nil {
		return fileErrorReply(err)
	}
	if _, err := s.user.entry(name); err != nil {
		s.user.forgetKeptPart(name) // a kept part of an upload cannot be renamed
		return fileErrorReply(err)
	}
	s.renameFrom = name
	return newReply(350, "Send RNTO with the new name")
}

// rnto answers RNTO, which must follow RNFR at once (RFC 959, 4.1.3). The current
// directory cannot be moved.
func (s *session) rnto(arg string) reply {
	from, to := s.renameFrom, s.path(arg)
	s.renameFrom = ""
	if from == "" {
		return newReply(503, "Send RNFR first")
	}
	c := newChange(s.server, s.live, s.user, opRename, from)
	c.record.NewPath = to
	err := errCurrent
	if !s.isCurrent(from) && !s.isCurrent(to) {
		err = s.user.rename(from, to)
	}
	switch { // RFC 959, 5.4
	case errors.Is(err, errName):
		c.report(err, 553)
		return newReply(553, capitalize(err.Error()))
	case errors.Is(err, ftpserver.ErrStorageExceeded):
		c.report(err, 552)
		return newReply(552, capitalize(err.Error()))
	}
	return c.end(err, newReply(250, "Renamed"))
}

// size answers SIZE. If there is no such file, but a kept part of the user's own upload,
// it returns the size of that part, which the client need not send again.
func (s *session) size(arg string) reply {
	if s.convertsLines() {
		return newReply(550, "TYPE A converts lines and allows no SIZE: send TYPE I")
	}
	name := s.path(arg)
	info, err := s.user.statIfAllowed(name)
	if s.user.rightsAt(name).Has(account.Create) && (errors.Is(err, fs.ErrNotExist) || s.user.mayStat(name) != nil) {
		if kept, keptErr := s.user.keptPart(name); keptErr == nil {
			s.rememberKept(name, kept.Size())
			info, err = kept, nil
		}
	}
	switch {
	case err != nil:
		return fileErrorReply(err)
	case info.IsDir():
		return newReply(550, "Is a directory")
	}
	return newReply(213, strconv.FormatInt(info.Size(), 10))
}

// mdtm answers MDTM with the time of a file. With a time before the name it sets the time,
// as older clients do instead of MFMT.
func (s *session) mdtm(arg string) reply {
	info, err := s.user.statIfAllowed(s.path(arg))
	if err != nil {
		if when, name, ok := cutTime(arg); ok {
			c := s.beginChange("MDTM", name)
			return c.end(s.setTime(name, when), newReply(213, when.Format(timeFormat)))
		}
		return fileErrorReply(err)
	}
	return newReply(213, info.ModTime().UTC().Format(timeFormat))
}

// mlst answers MLST (RFC 3659, 7).
func (s *session) mlst(arg string) reply {
	name := s.path(arg)
	if err := s.user.mayStat(name); err != nil {
		return fileErrorReply(err)
	}
	it, err := s.user.entry(name)
	if err != nil {
		return fileErrorReply(err)
	}
	v := s.listView(name)
	it.Name = name
	b := v.AppendFacts(nil, it)
	return newReply(250, "Listing "+name, string(b[:len(b)-len("\r\n")]), "End")
}

// featMLST returns the line of FEAT that lists the facts. A star marks those that MLST
// and MLSD show (RFC 3659, 7.8).
func featMLST(s *session) string { return "MLST " + s.facts().Feature() }

// facts returns the facts that the client has chosen by OPTS MLST.
func (s *session) facts() list.FactSet {
	if s.mlstFacts == nil {
		return list.AllFacts
	}
	return *s.mlstFacts
}

// avbl answers AVBL with the free space for a directory, in bytes (draft
// peterson-streamlined-ftp-command-extensions, 4).
func (s *session) avbl(arg string) reply {
	free, err := s.user.free(s.path(arg))
	if err != nil {
		return fileErrorReply(err)
	}
	return newReply(213, strconv.FormatInt(free, 10))
}

// featAVBL lists AVBL unless the user's file system cannot report its free space. Before
// the login that is not known. A driver that implements AVBL is not called for it.
func featAVBL(s *session) string {
	if s.user != nil && s.user.ext.free == nil {
		if _, err := s.user.free("/"); err != nil {
			return ""
		}
	}
	return "AVBL"
}

// mfmt answers MFMT, which sets the time of a file (draft somers-ftp-mfxx, 3).
func (s *session) mfmt(arg string) reply {
	when, name, ok := cutTime(arg)
	if !ok {
		return newReply(501, "Invalid time or missing name: use MFMT YYYYMMDDhhmmss file")
	}
	c := s.beginChange(opSetTime, name)
	return c.end(s.setTime(name, when), newReply(213, "Modify="+when.Format(timeFormat)+"; "+name))
}

// mff answers MFF, which sets facts of a file (draft somers-ftp-mfxx, 5). If one of the
// facts is unknown it sets none.
func (s *session) mff(arg string) reply {
	facts, name, ok := strings.Cut(arg, "; ")
	if !ok || name == "" {
		return newReply(501, "Invalid facts or missing name: use MFF fact=value; file")
	}
	var set []func() error
	for fact := range strings.SplitSeq(facts, ";") {
		key, value, _ := strings.Cut(fact, "=")
		when, err := parseTime(value)
		mode, isMode := parseMode(value)
		switch {
		case strings.EqualFold(key, "modify") && err == nil:
			set = append(set, func() error { return s.setTime(name, when) })
		case strings.EqualFold(key, "UNIX.mode") && isMode:
			set = append(set, func() error { return s.setMode(name, mode) })
		default:
			return newReply(504, "Cannot set the fact "+key)
		}
	}
	c := s.beginChange("MFF", name)
	var err error
	for _, f := range set {
		if err = f(); err != nil {
			break
		}
	}
	return c.end(err, newReply(213, facts+"; "+name))
}

// setTime sets the time at which a file was last changed.
func (s *session) setTime(arg string, when time.Time) error {
	if s.server.policy.disabled["MFMT"] { // also for the other commands that set times
		return errDisabled
	}
	atime := time.Time{} // unchanged
	if s.server.driver != nil {
		atime = when // as ftpserverlib does
	}
	return s.user.changeFile(s.path(arg), func(name string) error {
		return s.user.tree.Chtimes(name, atime, when)
	})
}

// setMode sets the permission bits of a file.
func (s *session) setMode(arg string, mode fs.FileMode) error {
	return s.user.changeFile(s.path(arg), func(name string) error {
		return s.user.tree.Chmod(name, mode)
	})
}

// parseMode reads permission bits in octal digits.
func parseMode(text string) (fs.FileMode, bool) {
	n, err := strconv.ParseUint(text, 8, 12)
	return fs.FileMode(n), err == nil && n == n&uint64(fs.ModePerm)
}

// cutTime splits arg into a time (RFC 3659, 2.3; without fractions of a second) and the
// rest.
func cutTime(arg string) (when time.Time, rest string, ok bool) {
	text, rest, _ := strings.Cut(arg, " ")
	when, err := parseTime(text)
	return when, rest, err == nil && rest != ""
}

func parseTime(text string) (time.Time, error) {
	whole, _, _ := strings.Cut(text, ".")
	return parseTimeAs(timeFormat, whole)
}

func parseTimeAs(format, text string) (time.Time, error) {
	when, err := time.Parse(format, text)
	if err == nil {
		err = checkTime(when)
	}
	return when, err
}

// checkTime returns an error for a time before 1677 or after 2262: package os counts the
// time of a file in nanoseconds, in 64 bits, and would set a wrong one.
func checkTime(when time.Time) error {
	if !time.Unix(0, when.UnixNano()).Equal(when) {
		return errors.New("no file can have that time")
	}
	return nil
}

// globTree is the user's tree for list.Expand.
type globTree struct{ *session }

// Entry implements list.Tree.
func (t globTree) Entry(name string) (list.Item, error) { return t.user.entry(t.path(name)) }

// Entries implements list.Tree.
func (t globTree) Entries(dir string, f func([]list.Item)) error {
	d, err := t.user.openDir(t.path(dir))
	if err != nil {
		return err
	}
	defer d.close()
	for {
		items, err := d.next()
		if err == io.EOF { //nolint:errorlint // the bare value, as from a Reader
			return nil
		}
		if err != nil {
			return err
		}
		f(items)
	}
}
