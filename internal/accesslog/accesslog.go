package accesslog

import (
	"io"
	"log/slog"
	"slices"
	"time"

	"sluice/internal/config"
	"sluice/internal/live"
)

// A Log writes the access log and the other messages of a server to one writer.
// Its methods may be called from any goroutine.
type Log struct {
	out    writer
	format lineFormat
	logger *slog.Logger
}

// New returns a Log in one of the formats of config.LogFormats; any other means
// text. The caller calls Flush at the end.
func New(w io.Writer, format string) *Log {
	l := &Log{out: writer{w: w}, format: lineFormats[format]}
	if l.format == nil {
		l.format = appendTextLine
	}
	l.logger = slog.New(slog.NewTextHandler(&l.out, nil))
	if format == config.LogJSON {
		l.logger = slog.New(slog.NewJSONHandler(&l.out, &slog.HandlerOptions{ReplaceAttr: inSeconds}))
	}
	return l
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
	l.out.add(func(lines []byte) []byte { return l.format(lines, time.Now(), &rec) })
}

// Flush writes the lines that wait.
func (l *Log) Flush() { l.out.flush() }

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
