package main

import (
	"log/slog"
	"time"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/sendfile"
)

// The logs of what was served: one line each, whose message is the protocol.

func logRequest(logger *slog.Logger) func(httpd.Request) {
	return func(r httpd.Request) {
		attrs := []any{"remote", r.Remote, "method", r.Method, "target", r.Target, "status", r.Status}
		logger.Info("http", append(attrs, outcome(r.Result, r.Duration, r.Err)...)...)
	}
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
