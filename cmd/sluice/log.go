package main

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/config"
	"sluice/sendfile"
)

// An entry is what the log says of a request or of a transfer by FTP, in
// whatever format.
type entry struct {
	protocol string // "http" or "ftp"
	remote   string // HOST:PORT of the client; something else for those by unix sockets

	// Of a request.
	method, target, proto string
	status                int
	referer, userAgent    string // if the format wants them

	// Of a transfer.
	session  uint64
	user     string
	op, path string
	offset   int64
	kept     int64 // of an upload that broke off

	// How it ended.
	sendfile.Result
	took        time.Duration
	cause       string        // what held it back; "": not told
	rtt         time.Duration // 0: not told
	retransmits int64         // segments; negative: not told
	err         error
}

func entryOfRequest(r httpd.Request) entry {
	return entry{
		protocol: "http", remote: r.Remote,
		method: r.Op, target: r.Target, proto: r.Proto, status: r.Status,
		referer: r.Referer, userAgent: r.UserAgent,
		Result: r.Result, took: r.Duration, cause: r.Cause, rtt: r.RTT, retransmits: r.Retransmits, err: r.Err,
	}
}

func entryOfTransfer(t ftpd.Transfer) entry {
	return entry{
		protocol: "ftp", remote: t.Remote.String(),
		session: t.Session, user: t.User, op: t.Op, path: t.Path, offset: t.Offset, kept: t.Kept,
		Result: t.Result, took: t.Duration, cause: t.Cause, rtt: t.RTT, retransmits: t.Retransmits, err: t.Err,
	}
}

// host is the client's address without the port; "unix:" for those that have
// none, as nginx has it.
func (e *entry) host() string {
	host, _, err := net.SplitHostPort(e.remote)
	if err != nil {
		return "unix:"
	}
	host, _, _ = strings.Cut(host, "%")
	return host
}

// A lineFormat appends the line of an entry, or nothing if the format has none
// for it.
type lineFormat func(line []byte, now time.Time, e entry) []byte

// lineFormats are those of --log-format, by their names.
var lineFormats = map[string]lineFormat{
	config.LogText:     appendTextLine,
	config.LogJSON:     appendJSONLine,
	config.LogCombined: appendCombinedLine,
	config.LogXferlog:  appendXferlogLine,
}

func logRequest(w *logWriter, format lineFormat) func(httpd.Request) {
	return func(r httpd.Request) {
		w.add(func(line []byte) []byte { return format(line, time.Now(), entryOfRequest(r)) })
	}
}

func logTransfer(w *logWriter, format lineFormat) func(ftpd.Transfer) {
	return func(t ftpd.Transfer) {
		w.add(func(line []byte) []byte { return format(line, time.Now(), entryOfTransfer(t)) })
	}
}

// newLogger returns the logger for all else: JSON beside lines in JSON, and
// otherwise text.
func newLogger(w *logWriter, format string) *slog.Logger {
	if format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: inSeconds}))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

func logLogin(logger *slog.Logger) func(ftpd.LoginAttempt) {
	return func(l ftpd.LoginAttempt) {
		attrs := []any{"remote", l.Remote.String(), "session", l.Session}
		switch {
		case l.Err == nil:
			logger.Info("ftp login", append(attrs, "user", l.User)...)
		// Without the name, which may be a password that came too early.
		case errors.Is(l.Err, ftpd.ErrLogin):
			logger.Warn("ftp login refused", append(attrs, "err", l.Err)...)
		default: // programs that ban addresses must not take it for a guess
			logger.Warn("ftp login not possible", append(attrs, "err", l.Err)...)
		}
	}
}
