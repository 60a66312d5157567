package accesslog

import (
	"errors"
	"strconv"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// appendCombinedLine appends the combined format of Apache and nginx, with the
// escapes of nginx; awstats, goaccess and fail2ban read it. An FTP transfer
// looks as in ProFTPD's ExtendedLog: the request is the command, the status is
// the reply for how the transfer ended. A change by FTP looks likewise; if it has two names,
// the new one follows the old one.
func appendCombinedLine(line []byte, now time.Time, rec *live.Record) []byte {
	line = append(append(line, clientHost(rec)...), " - "...)
	line = appendName(line, rec.User)
	line = now.AppendFormat(line, " [02/Jan/2006:15:04:05 -0700] \"")
	status := rec.Status
	if !rec.Protocol.IsFTP() {
		line = append(appendEscaped(line, rec.Op), ' ')
		line = append(appendEscaped(line, rec.Target), ' ')
		line = append(line, rec.Proto...)
	} else {
		line = append(append(line, rec.Op...), ' ')
		line = appendEscaped(line, rec.Path)
		if rec.NewPath != "" {
			line = appendEscaped(append(line, ' '), rec.NewPath)
		}
		if !isChange(rec) {
			status = ftpStatus(rec)
		}
	}
	line = strconv.AppendInt(append(line, "\" "...), int64(status), 10)
	line = strconv.AppendInt(append(line, ' '), rec.Sent, 10)
	for _, field := range []string{rec.Referer, rec.UserAgent} {
		line = append(line, " \""...)
		if field == "" {
			line = append(line, '-')
		}
		line = append(appendEscaped(line, field), '"')
	}
	return append(line, '\n')
}

// ftpStatus returns the reply code of RFC 959 for how a transfer ended: 226 if
// it is complete, 426 if the client failed, 451 if the server did, and 550 if it
// never began.
func ftpStatus(rec *live.Record) int {
	transferErr, began := errors.AsType[*sendfile.Error](rec.Err)
	switch {
	case rec.Err == nil:
		return 226
	case began && transferErr.Side == sendfile.Peer:
		return 426
	case began || rec.Sent > 0:
		return 451
	}
	return 550
}

// appendName appends a user name. Spaces become underscores, and so do brackets:
// some readers find the time, which follows, by its bracket.
func appendName(line []byte, name string) []byte {
	if name == "" {
		return append(line, '-')
	}
	begin := len(line)
	line = appendEscaped(line, name)
	for i := begin; i < len(line); i++ {
		if c := line[i]; c == ' ' || c == '[' || c == ']' {
			line[i] = '_'
		}
	}
	return line
}

// appendEscaped appends a value with the escapes of nginx, so that it cannot end
// its field or line.
func appendEscaped(line []byte, value string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(value) {
		c := value[i]
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			line = append(line, '\\', 'x', hex[c>>4], hex[c&15])
		} else {
			line = append(line, c)
		}
	}
	return line
}
