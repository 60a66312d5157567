package s3fs

import (
	"context"
	"io/fs"
	"testing"
	"time"
)

// A fill whose disk hangs makes no progress and has no error.
func TestAReaderLeavesAFillWithoutProgress(t *testing.T) {
	l := &fill{size: 100, readers: 1, coming: 100, patience: time.Millisecond}
	if n, err := l.readAt(t.Context(), make([]byte, 10), 0); n != 0 || err != errNotHere { //nolint:errorlint // it is not wrapped
		t.Errorf("got %d, %v, want %v", n, err, errNotHere)
	}
	l.patience = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := l.readAt(ctx, make([]byte, 10), 0); n != 0 || err != fs.ErrClosed { //nolint:errorlint // as above
		t.Errorf("after Close: got %d, %v, want %v", n, err, fs.ErrClosed)
	}
}
