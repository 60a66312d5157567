package live

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"

	"sluice/sendfile"
)

// Outcome is how a transfer ended.
type Outcome uint8

// The outcomes.
const (
	Complete   Outcome = iota
	PeerFailed         // the client left, stalled, or lost its connection
	FileFailed         // the file or the disk below it failed, or the file has shrunk
	Cut                // by us: a refusal, Kill, the end of the server, or a limit
)

var outcomeNames = [...]string{"complete", "peer", "file", "cut"}

// String returns "complete", "peer", "file" or "cut".
func (o Outcome) String() string { return outcomeNames[min(int(o), len(outcomeNames)-1)] }

// MarshalText makes JSON show the word.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// OutcomeOf returns how a transfer ended by its error. What is neither
// the file's fault nor ours is the client's: HTTP/2, for one, has many errors
// for that and names none of them.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Complete
	}
	if moving, ok := errors.AsType[*sendfile.Error](err); ok {
		return [...]Outcome{sendfile.Caller: Cut, sendfile.File: FileFailed, sendfile.Peer: PeerFailed}[moving.Side]
	}
	_, ofFile := errors.AsType[*fs.PathError](err)
	_, ofName := errors.AsType[*os.LinkError](err)
	switch {
	case errors.Is(err, fs.ErrPermission) && !ofFile && !ofName: // a refusal of ours
		return Cut
	case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Cut
	case ofFile, ofName, errors.Is(err, io.ErrUnexpectedEOF):
		return FileFailed
	}
	return PeerFailed
}
