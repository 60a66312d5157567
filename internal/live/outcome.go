package live

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"

	"sluice/internal/budget"
	"sluice/sendfile"
)

// Outcome is how a transfer ended.
type Outcome uint8

// The outcomes.
const (
	Complete   Outcome = iota
	PeerFailed         // the client disconnected or stalled, or the connection broke
	FileFailed         // the file or its disk failed, or the file has shrunk
	Cut                // by the server: a refusal, Kill, shutdown, or a limit
)

var outcomeNames = [...]string{"complete", "peer", "file", "cut"}

// String returns "complete", "peer", "file" or "cut".
func (o Outcome) String() string { return outcomeNames[min(int(o), len(outcomeNames)-1)] }

// MarshalText writes the word into JSON.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// OutcomeOf returns how a transfer ended, by its error. An error that is neither
// the file's nor the server's is PeerFailed: the errors of net/http for a client that
// disconnects, as in HTTP/2, are many and not exported.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Complete
	}
	if transferErr, ok := errors.AsType[*sendfile.Error](err); ok {
		return [...]Outcome{sendfile.Caller: Cut, sendfile.File: FileFailed, sendfile.Peer: PeerFailed}[transferErr.Side]
	}
	_, ofFile := errors.AsType[*fs.PathError](err)
	_, ofName := errors.AsType[*os.LinkError](err)
	switch {
	case errors.Is(err, fs.ErrPermission) && !ofFile && !ofName, budget.IsRefusal(err): // refused by the server
		return Cut
	case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Cut
	case ofFile, ofName, errors.Is(err, io.ErrUnexpectedEOF):
		return FileFailed
	}
	return PeerFailed
}
