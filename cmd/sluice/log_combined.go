package main

import (
	"errors"
	"strconv"
	"time"

	"sluice/sendfile"
)

// appendCombinedLine writes the format that Apache and nginx call combined, as
// nginx does: awstats, goaccess and fail2ban know it. A transfer by FTP looks
// as in ProFTPD's ExtendedLog: its request is the command, its status the reply
// that fits how it ended.
func appendCombinedLine(line []byte, now time.Time, e entry) []byte {
	line = append(append(line, e.host()...), " - "...)
	line = appendName(line, e.user)
	line = now.AppendFormat(line, " [02/Jan/2006:15:04:05 -0700] \"")
	status := e.status
	if e.protocol == "http" {
		line = append(appendEscaped(line, e.method), ' ')
		line = append(appendEscaped(line, e.target), ' ')
		line = append(line, e.proto...)
	} else {
		line = append(append(line, e.op...), ' ')
		line = appendEscaped(line, e.path)
		status = ftpStatus(e)
	}
	line = strconv.AppendInt(append(line, "\" "...), int64(status), 10)
	line = strconv.AppendInt(append(line, ' '), e.Sent, 10)
	for _, field := range []string{e.referer, e.userAgent} {
		line = append(line, " \""...)
		if field == "" {
			line = append(line, '-')
		}
		line = append(appendEscaped(line, field), '"')
	}
	return append(line, '\n')
}

// ftpStatus returns the reply of RFC 959 for how a transfer ended: 226 if it is
// whole, 426 if the client failed, 451 if we did, and 550 if it never began.
func ftpStatus(e entry) int {
	moving, began := errors.AsType[*sendfile.Error](e.err)
	switch {
	case e.err == nil:
		return 226
	case began && moving.Side == sendfile.Peer:
		return 426
	case began || e.Sent > 0:
		return 451
	}
	return 550
}

// appendName appends the name of a user, in which blanks, and the brackets by
// which some readers find the time behind it, become underscores.
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

// appendEscaped appends a value in which nothing can end a field or a line, with
// the escapes of nginx.
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
