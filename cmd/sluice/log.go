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
			line = time.Now().AppendFormat(append(line, "time="...), "2006-01-02T15:04:05.000Z07:00")
			line = append(line, " level=INFO msg=http"...)
			line = appendText(append(line, " remote="...), r.Remote)
			line = appendText(append(line, " method="...), r.Method)
			line = appendText(append(line, " target="...), r.Target)
			line = strconv.AppendInt(append(line, " status="...), int64(r.Status), 10)
			line = strconv.AppendInt(append(line, " bytes="...), r.Sent, 10)
			if r.Road != sendfile.Auto {
				line = append(append(line, " road="...), r.Road.String()...)
			}
			line = append(append(line, " took="...), r.Duration.Round(time.Microsecond).String()...)
			if r.Err != nil {
				line = appendText(append(line, " err="...), r.Err.Error())
			}
			return append(line, '\n')
		})
	}
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

func logTransfer(logger *slog.Logger) func(ftpd.Transfer) {
	return func(t ftpd.Transfer) {
		attrs := []any{"remote", t.Remote.String(), "session", t.Session, "user", t.User, "op", t.Op, "path", t.Path}
		if t.Offset != 0 {
			attrs = append(attrs, "offset", t.Offset)
		}
		logger.Info("ftp", append(attrs, outcome(t.Result, t.Duration, t.Err)...)...)
	}
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

// outcome returns what is logged of the end of a transfer.
func outcome(res sendfile.Result, took time.Duration, err error) []any {
	attrs := []any{"bytes", res.Sent}
	if res.Road != sendfile.Auto {
		attrs = append(attrs, "road", res.Road.String())
	}
	attrs = append(attrs, "took", took.Round(time.Microsecond))
	if err != nil {
		attrs = append(attrs, "err", err)
	}
	return attrs
}
