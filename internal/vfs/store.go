package vfs

import (
	"errors"
	"os"
)

// The failures of an object store, as clients may know them.
var (
	ErrStoreFailed = errors.New("the object store failed")
	ErrStoreBusy   = errors.New("the object store is busy")
	ErrStoreLate   = errors.New("the object store does not answer")
)

// StoreFailure returns one of the errors above if err is a failure of the object store behind a file system, which says
// nothing about the file, and else nil. Such an error has in its tree one with the method StoreFailed, which reports
// whether the store has only too much to do, as those of package s3fs have. It may name hosts and keys: it is for the
// operator alone.
func StoreFailure(err error) error {
	var failure interface {
		error
		StoreFailed() (isBusy bool)
	}
	switch {
	case !errors.As(err, &failure):
		return nil
	case failure.StoreFailed():
		return ErrStoreBusy
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrStoreLate
	}
	return ErrStoreFailed
}
