package accesslog

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"sluice/internal/config"
	"sluice/internal/live"
)

// A Log writes the access log and the other messages of a server to one writer.
// Its methods may be called from any goroutine. None of them but Flush waits for the
// writer, which may hang or fail.
type Log struct {
	out    writer
	format lineFormat
	logger *slog.Logger
}

// New returns a Log in one of the formats of config.LogFormats; any other means
// text. The caller calls Flush at the end.
func New(w io.Writer, format string) *Log {
	l := &Log{format: lineFormats[format]}
	if l.format == nil {
		l.format = appendTextLine
	}
	l.out.w, l.out.lossLine = w, func(lines int) []byte {
		var line bytes.Buffer
		newLogger(&line, format).Warn("lines were dropped because the log could not be written", "lines", lines)
		return line.Bytes()
	}
	l.logger = newLogger(&l.out, format)
	return l
}

// newLogger returns a logger for messages.
func newLogger(w io.Writer, format string) *slog.Logger {
	if format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: inSeconds}))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: bounded}))
}

// Logger returns the logger for all messages but the access log: JSON if the
// lines are JSON, otherwise text.
func (l *Log) Logger() *slog.Logger { return l.logger }

// Record writes the line of a request, a transfer, or a change by FTP. It is a hook for
// live.Registry.OnTransfer and OnChange. FTP listings get no line.
func (l *Log) Record(rec live.Record) {
	if rec.Protocol.IsFTP() && !isChange(&rec) && !slices.Contains([]string{retrieve, store, appendTo}, rec.Op) {
		return
	}
	bound(&rec)
	l.out.add(func(lines []byte) []byte { return l.format(lines, time.Now(), &rec) })
}

// Flush waits until all lines and messages that were logged before are written, or could not
// be, but not longer than a second.
func (l *Log) Flush() { l.out.flush() }

// Dropped returns how many lines were dropped because the writer has hung or failed.
func (l *Log) Dropped() uint64 { return l.out.losses() }

// FTP commands that move a file; STOU is recorded as STOR.
const (
	retrieve = "RETR"
	store    = "STOR"
	appendTo = "APPE"

	remove = "DELE"
)

// isChange reports whether rec is of an FTP command that has changed files, or failed to,
// and is no transfer.
func isChange(rec *live.Record) bool { return rec.Protocol.IsFTP() && rec.Status != 0 }

// A lineFormat appends the line of a request or transfer, or nothing if the
// format has no line for it.
type lineFormat func(line []byte, now time.Time, rec *live.Record) []byte

var lineFormats = map[string]lineFormat{
	config.LogText:     appendTextLine,
	config.LogJSON:     appendJSONLine,
	config.LogCombined: appendCombinedLine,
	config.LogXferlog:  appendXferlogLine,
}

// family returns "ftp" or "http". The log does not distinguish TLS.
func family(rec *live.Record) string {
	if rec.Protocol.IsFTP() {
		return "ftp"
	}
	return "http"
}

// errorText returns the text of an error, which may name a file. A connection that was closed here while it was in use was
// cut on purpose, at the end of the server or by an operator.
func errorText(err error) string {
	text := err.Error()
	if errors.Is(err, net.ErrClosed) {
		text = strings.ReplaceAll(text, net.ErrClosed.Error(), "cut by this server")
	}
	return cut(text, maxPath)
}

// unixClient stands for the address of a client on a unix socket, as in nginx.
const unixClient = "unix:"

// clientAddr returns HOST:PORT of the client.
func clientAddr(rec *live.Record) string {
	if !rec.Remote.IsValid() {
		return unixClient
	}
	return rec.Remote.String()
}

// clientHost returns the client's address without port and zone.
func clientHost(rec *live.Record) string {
	if !rec.Remote.IsValid() {
		return unixClient
	}
	return rec.Remote.Addr().WithZone("").String()
}
