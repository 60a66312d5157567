package s3fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"github.com/minio/minio-go/v7"
)

// ErrChanged means that an object was replaced or removed after its file was opened.
var ErrChanged = errors.New("the object has changed since it was opened")

// ErrStore means that the store answered with an error that says nothing about the file, or not in time. The text of an
// error that wraps it has the reason, for the operator.
var ErrStore = errors.New("the object store failed")

// maxRetries is how often a request is tried before its error is returned.
const maxRetries = 4

// translate returns the error of package fs for one of the store.
func translate(err error) error {
	if err == nil {
		return nil
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.StatusCode == http.StatusNotFound && answer.Code != "NoSuchBucket":
		return fs.ErrNotExist
	case answer.StatusCode == http.StatusForbidden:
		return fs.ErrPermission
	case answer.StatusCode == http.StatusPreconditionFailed:
		return ErrChanged
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: no answer in time: %w", ErrStore, os.ErrDeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return fs.ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}
