package live_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"testing"

	"sluice/internal/budget"
	"sluice/internal/live"
	"sluice/sendfile"
)

func TestTheOutcomeNamesTheSideThatFailed(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want live.Outcome
	}{
		{"no error", nil, live.Complete},
		{"the client has left", &sendfile.Error{Side: sendfile.Peer, Err: io.ErrClosedPipe}, live.PeerFailed},
		{"an error of net/http", errors.New("client disconnected"), live.PeerFailed},
		{"the disk has failed", &sendfile.Error{Side: sendfile.File, Err: io.ErrUnexpectedEOF}, live.FileFailed},
		{"the file cannot be read", &fs.PathError{Op: "read", Path: "/f", Err: fs.ErrPermission}, live.FileFailed},
		{"a right is missing", fs.ErrPermission, live.Cut},
		{"the server has ended", net.ErrClosed, live.Cut},
		{"the transfer was cancelled", context.Canceled, live.Cut},
		{"it lost its place among too many others", fmt.Errorf("checksum: %w", &budget.Refusal{Pool: "checksums", Bound: budget.BoundClient}), live.Cut},
	} {
		if got := live.OutcomeOf(tt.err); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
