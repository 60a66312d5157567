package main

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sluice/ftpd"
	"sluice/internal/live"
	"sluice/sendfile"
)

// appendXferlogLine writes the format of wu-ftpd, xferlog(5), which vsftpd,
// ProFTPD and awstats know: a line for each file that was moved. A response by
// HTTP has one if it carries bytes of a file; its service is http.
func appendXferlogLine(line []byte, now time.Time, rec *live.Record) []byte {
	path, user, mode, direction := rec.Path, rec.User, "r", "o"
	switch {
	case !rec.Protocol.IsFTP() && rec.Method == sendfile.Auto:
		return line
	case !rec.Protocol.IsFTP():
		path, user, mode = pathOf(rec.Target), "?", "a"
	case rec.User == "anonymous":
		user, mode = "?", "a" // xferlog wants the password here, which was an address once
	}
	if rec.Op == ftpd.Store || rec.Op == ftpd.Append {
		direction = "i"
	}
	line = now.AppendFormat(line, "Mon Jan _2 15:04:05 2006 ")
	line = strconv.AppendInt(line, max(int64(rec.Duration.Round(time.Second)/time.Second), 1), 10)
	line = append(append(line, ' '), hostOf(rec)...)
	line = strconv.AppendInt(append(line, ' '), rec.Sent, 10)
	line = appendWord(append(line, ' '), path)
	line = append(append(line, " b _ "...), direction...) // binary, nothing special done to it
	line = append(append(line, ' '), mode...)
	line = appendWord(append(line, ' '), user)
	line = append(append(line, ' '), family(rec)...)
	completion := " 0 * c\n" // not authenticated otherwise, as nobody, complete
	if rec.Err != nil {
		completion = " 0 * i\n"
	}
	return append(line, completion...)
}

// pathOf returns the path of a request's target.
func pathOf(target string) string {
	target, _, _ = strings.Cut(target, "?")
	if path, err := url.PathUnescape(target); err == nil {
		return path
	}
	return target
}

// appendWord appends a value in which nothing can end a field or a line, nor
// steer a terminal: blanks and what cannot be seen become underscores, as by
// wu-ftpd, and so does what is no UTF-8.
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
