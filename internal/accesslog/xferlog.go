package accesslog

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sluice/internal/live"
	"sluice/sendfile"
)

// appendXferlogLine appends the format of wu-ftpd, xferlog(5), which vsftpd and
// ProFTPD write and awstats reads: a line for each file that was transferred, or removed. An
// HTTP response has a line if it carries bytes of a file; its service is http. Other changes
// have none.
func appendXferlogLine(line []byte, now time.Time, rec *live.Record) []byte {
	path, user, mode, direction := rec.Path, rec.User, "r", "o"
	switch isHTTP := !rec.Protocol.IsFTP(); {
	case isChange(rec) && rec.Op == remove, isHTTP && rec.Op == "DELETE" && rec.Status/100 == 2:
		direction = "d"
	case isChange(rec), isHTTP && rec.Method == sendfile.Auto:
		return line
	case rec.Op == store, rec.Op == appendTo, rec.Upload:
		direction = "i"
	}
	switch {
	case !rec.Protocol.IsFTP():
		if !namesOther(rec) {
			path = pathOf(rec.Target)
		}
		if user == "" || user == "anonymous" {
			user, mode = "?", "a"
		}
	case rec.User == "anonymous":
		user, mode = "?", "a" // the format asks for the password here, once a mail address
	}
	line = now.AppendFormat(line, "Mon Jan _2 15:04:05 2006 ")
	line = strconv.AppendInt(line, max(int64(rec.Duration.Round(time.Second)/time.Second), 1), 10)
	line = append(append(line, ' '), clientHost(rec)...)
	line = strconv.AppendInt(append(line, ' '), rec.Sent, 10)
	line = appendWord(append(line, ' '), path)
	line = append(append(line, " b _ "...), direction...) // type binary, no special action
	line = append(append(line, ' '), mode...)
	line = appendWord(append(line, ' '), user)
	line = append(append(line, ' '), family(rec)...)
	completion := " 0 * c\n" // authentication method and user: none; complete
	if rec.Err != nil {
		completion = " 0 * i\n"
	}
	return append(line, completion...)
}

// pathOf returns the decoded path of a request target.
func pathOf(target string) string {
	target, _, _ = strings.Cut(target, "?")
	if path, err := url.PathUnescape(target); err == nil {
		return path
	}
	return target
}

// appendWord appends a value as one field. Spaces, unprintable characters and
// invalid UTF-8 become underscores, as in wu-ftpd.
func appendWord(line []byte, value string) []byte {
	if value == "" {
		return append(line, '?')
	}
	for i, r := range value {
		_, size := utf8.DecodeRuneInString(value[i:])
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) || r == ' ' {
			r = '_'
		}
		line = utf8.AppendRune(line, r)
	}
	return line
}
