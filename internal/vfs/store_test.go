package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
)

// storeError is an error as that of a file system on an object store.
type storeError struct{ isBusy bool }

func (e *storeError) Error() string     { return "host.example.com failed" }
func (e *storeError) StoreFailed() bool { return e.isBusy }

func TestFailuresOfAStoreAreKnown(t *testing.T) {
	failed, busy := &storeError{}, &storeError{isBusy: true}
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"a failure", failed, ErrStoreFailed},
		{"one of a file", &fs.PathError{Op: "open", Path: "/f", Err: failed}, ErrStoreFailed},
		{"one with its reason", fmt.Errorf("%w: %w", failed, fs.ErrPermission), ErrStoreFailed},
		{"too much to do", fmt.Errorf("%w: slow down", busy), ErrStoreBusy},
		{"no answer", fmt.Errorf("%w: %w", failed, os.ErrDeadlineExceeded), ErrStoreLate},
		{"an error of a file", &fs.PathError{Op: "open", Path: "/f", Err: fs.ErrNotExist}, nil},
		{"a stall of a client", os.ErrDeadlineExceeded, nil},
		{"no error", nil, nil},
	} {
		if got := StoreFailure(tt.err); !errors.Is(got, tt.want) || (got == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
