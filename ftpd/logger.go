package ftpd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"syscall"
)

// libraryLogger returns the logger for the library's view of a session.
func (s *Server) libraryLogger(sess *session) *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(discreet{s.Logger.Handler(), sess})
}

// discreet passes warnings on without what the client typed: it may stand in
// the line that made a command panic. There is one for each session, so it
// costs nothing until there is something to tell.
type discreet struct {
	to      slog.Handler
	session *session
}

// typed are the attributes in which the library quotes the client, or an
// answer that quotes it.
var typed = []string{"command", "param", "line"}

// Enabled lets warnings pass: below them the library only repeats the
// dialogue, and tells that it listens, which it does for each client anew.
func (h discreet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.to.Enabled(ctx, level)
}

// Handle drops what the client typed, and what the library has to say about a
// client that has left: OnTransfer and OnDisconnect tell that better.
func (h discreet) Handle(ctx context.Context, r slog.Record) error {
	kept := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	kept.Add("session", h.session.id, "remote", h.session.remote)
	gone := false
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && hasLeft(err) {
			gone = true
			return false
		}
		if !slices.Contains(typed, a.Key) {
			kept.AddAttrs(a)
		}
		return true
	})
	if gone {
		return nil
	}
	return h.to.Handle(ctx, kept)
}

// hasLeft reports whether err is what remains of a connection that the client
// or we have closed.
func hasLeft(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// WithAttrs drops the attributes: the library has numbers of its own.
func (h discreet) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup drops the group.
func (h discreet) WithGroup(string) slog.Handler { return h }
