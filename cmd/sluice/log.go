package main

import (
	"log/slog"
	"strconv"
	"time"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/sendfile"
)

// The logs of what was served: one line each, whose message is the protocol.

// logRequest writes the lines of requests itself, as slog's TextHandler would
// write them: there may be a hundred thousand of them in a second.
func logRequest(w *logWriter) func(httpd.Request) {
	return func(r httpd.Request) {
		w.add(func(line []byte) []byte {
			line = appendText(appendStart(line, "http"), r.Remote)
			line = appendText(append(line, " method="...), r.Method)
			line = appendText(append(line, " target="...), r.Target)
			line = strconv.AppendInt(append(line, " status="...), int64(r.Status), 10)
			return appendEnd(line, r.Result, r.Duration, r.Err)
		})
	}
}

// logTransfer writes the lines of transfers in the same way.
func logTransfer(w *logWriter) func(ftpd.Transfer) {
	return func(t ftpd.Transfer) {
		w.add(func(line []byte) []byte {
			line = t.Remote.AppendTo(appendStart(line, "ftp"))
			line = strconv.AppendUint(append(line, " session="...), t.Session, 10)
			line = appendText(append(line, " user="...), t.User)
			line = appendText(append(line, " op="...), t.Op)
			line = appendText(append(line, " path="...), t.Path)
			if t.Offset != 0 {
				line = strconv.AppendInt(append(line, " offset="...), t.Offset, 10)
			}
			if t.Kept != 0 {
				line = strconv.AppendInt(append(line, " kept="...), t.Kept, 10)
			}
			return appendEnd(line, t.Result, t.Duration, t.Err)
		})
	}
}

// appendStart appends what all lines begin with.
func appendStart(line []byte, protocol string) []byte {
	line = time.Now().AppendFormat(append(line, "time="...), "2006-01-02T15:04:05.000Z07:00")
	return append(append(append(line, " level=INFO msg="...), protocol...), " remote="...)
}

// appendEnd appends how it ended.
func appendEnd(line []byte, res sendfile.Result, took time.Duration, err error) []byte {
	line = strconv.AppendInt(append(line, " bytes="...), res.Sent, 10)
	if res.Road != sendfile.Auto {
		line = append(append(line, " road="...), res.Road.String()...)
	}
	line = append(append(line, " took="...), took.Round(time.Microsecond).String()...)
	if err != nil {
		line = appendText(append(line, " err="...), err.Error())
	}
	return append(line, '\n')
}

// appendText appends a value, in quotes if it could be taken for something
// else without them.
func appendText(line []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f || c == '=' || c == '"' {
			return strconv.AppendQuote(line, value)
		}
	}
	if value == "" {
		return append(line, '"', '"')
	}
	return append(line, value...)
}

func logLogin(logger *slog.Logger) func(ftpd.Login) {
	return func(l ftpd.Login) {
		attrs := []any{"remote", l.Remote.String(), "session", l.Session}
		if l.Err != nil {
			// Without the name, which may be a password that came too early.
			logger.Warn("ftp login refused", append(attrs, "err", l.Err)...)
			return
		}
		logger.Info("ftp login", append(attrs, "user", l.User)...)
	}
}
