package ftpd

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
)

// timeFormat is how times are written (RFC 3659, 2.3), in UTC.
const timeFormat = list.TimeFormat

// unavailable tells why a file cannot be had.
func unavailable(err error) reply {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return say(550, "No such file or directory")
	case errors.Is(err, fs.ErrPermission):
		return say(550, "Permission denied")
	case errors.Is(err, errors.ErrUnsupported):
		return say(504, "The file system cannot do that")
	}
	return say(550, sentence(reasonOf(err)))
}

// size answers SIZE. Of a file that is not there, but whose upload broke off,
// it tells how much has arrived: so much a client need not send again.
func (s *session) size(arg string) reply {
	info, err := s.driver.look(arg)
	if errors.Is(err, fs.ErrNotExist) && s.driver.rights.Has(account.Create) {
		info, err = s.driver.kept(arg)
	}
	switch {
	case err != nil:
		return unavailable(err)
	case info.IsDir():
		return say(550, "Is a directory")
	}
	return say(213, strconv.FormatInt(info.Size(), 10))
}

// mdtm answers MDTM with the time of a file; with a time before the name, which
// older clients send in place of MFMT, it sets it.
func (s *session) mdtm(arg string) reply {
	info, err := s.driver.look(arg)
	if err != nil {
		if when, name, ok := cutTime(arg); ok {
			if err := s.driver.setTime(name, when); err != nil {
				return unavailable(err)
			}
			return say(213, when.Format(timeFormat))
		}
		return unavailable(err)
	}
	return say(213, info.ModTime().UTC().Format(timeFormat))
}

// mlst answers MLST (RFC 3659, 7).
func (s *session) mlst(arg string) reply {
	info, err := s.driver.look(arg)
	if err != nil {
		return unavailable(err)
	}
	v := s.driver.view()
	name := s.driver.path(arg)
	b := v.AppendFacts(nil, list.Item{Info: info, Name: name})
	return say(250, "Listing "+name, string(b[:len(b)-len("\r\n")]), "End")
}

// statPath answers STAT with an argument: a LIST over the control connection.
func (s *session) statPath(arg string) reply {
	l, err := s.driver.list("LIST", arg)
	if err != nil {
		return unavailable(err)
	}
	if len(l.items) > maxStat {
		return say(450, "Too many entries, use LIST")
	}
	lines := []string{"Status of " + arg}
	for _, it := range l.items {
		b := l.view.AppendLong(nil, it)
		lines = append(lines, string(b[:len(b)-len("\r\n")]))
	}
	code := 212
	if len(l.items) == 1 && l.items[0].Name == arg {
		code = 213
	}
	return say(code, append(lines, "End")...)
}

// maxStat is how many entries STAT tells: a reply is written at once.
const maxStat = 10_000

// cutTime takes a time from the beginning of arg (RFC 3659, 2.3; fractions of a
// second are dropped).
func cutTime(arg string) (when time.Time, rest string, ok bool) {
	text, rest, _ := strings.Cut(arg, " ")
	when, err := parseTime(text)
	return when, rest, err == nil && rest != ""
}

func parseTime(text string) (time.Time, error) {
	whole, _, _ := strings.Cut(text, ".")
	return parseTimeAs(timeFormat, whole)
}

// parseTimeAs refuses what is before 1677 or after 2262: package os counts the
// time of a file in nanoseconds, in 64 bits, and would set another.
func parseTimeAs(format, text string) (time.Time, error) {
	when, err := time.Parse(format, text)
	if err == nil && !time.Unix(0, when.UnixNano()).Equal(when) {
		err = errors.New("no file can have that time")
	}
	return when, err
}
