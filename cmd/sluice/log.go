package main

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"sluice/ftpd"
	"sluice/internal/config"
	"sluice/internal/live"
)

// A lineFormat appends the line of a request or of a transfer by FTP, or nothing
// if the format has none for it.
type lineFormat func(line []byte, now time.Time, rec *live.Record) []byte

// lineFormats are those of --log-format, by their names.
var lineFormats = map[string]lineFormat{
	config.LogText:     appendTextLine,
	config.LogJSON:     appendJSONLine,
	config.LogCombined: appendCombinedLine,
	config.LogXferlog:  appendXferlogLine,
}

// logTransfer returns a hook that writes a line for each request and each file
// that goes by FTP, but none for listings.
func logTransfer(w *logWriter, format lineFormat) func(live.Record) {
	return func(rec live.Record) {
		if rec.Protocol.IsFTP() && !slices.Contains([]string{ftpd.Retrieve, ftpd.Store, ftpd.Append}, rec.Op) {
			return
		}
		w.add(func(line []byte) []byte { return format(line, time.Now(), &rec) })
	}
}

// family is what the log calls the protocol: whether by TLS, it does not tell.
func family(rec *live.Record) string {
	if rec.Protocol.IsFTP() {
		return "ftp"
	}
	return "http"
}

// noHost stands for the address of a client by a unix socket, as nginx has it.
const noHost = "unix:"

// remoteOf is the client's HOST:PORT.
func remoteOf(rec *live.Record) string {
	if !rec.Remote.IsValid() {
		return noHost
	}
	return rec.Remote.String()
}

// hostOf is the client's address without the port and the zone.
func hostOf(rec *live.Record) string {
	if !rec.Remote.IsValid() {
		return noHost
	}
	return rec.Remote.Addr().WithZone("").String()
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
