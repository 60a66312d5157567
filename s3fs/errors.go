package s3fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"

	"github.com/minio/minio-go/v7"
)

// ErrChanged means that an object was replaced or removed after its file was opened.
var ErrChanged = errors.New("the object has changed since it was opened")

// ErrStore means that the store answered with an error that says nothing about the file, or not in time. The text of an
// error that wraps it has the reason, for the operator.
var ErrStore error = &failure{text: "the object store failed"}

// errBusy is an ErrStore that passes.
var errBusy error = &failure{text: "the object store is busy", isBusy: true}

type failure struct {
	text   string
	isBusy bool
}

func (f *failure) Error() string        { return f.text }
func (f *failure) Is(target error) bool { return target == ErrStore }

// StoreFailed reports whether the store has only too much to do. Servers find the method by an interface, and say to
// clients no more than that.
func (f *failure) StoreFailed() (isBusy bool) { return f.isBusy }

// denied is [fs.ErrPermission] because of an answer of the store. Its text is the same, because clients may see it.
type denied struct{ answer error }

func (d *denied) Error() string   { return fs.ErrPermission.Error() }
func (d *denied) Unwrap() []error { return []error{fs.ErrPermission, d.answer} }

// Code returns the word of the store for the reason of err, such as "NoSuchBucket"; "": the store has not answered.
func Code(err error) string {
	answer, _ := errors.AsType[minio.ErrorResponse](err)
	return answer.Code
}

// badKeys are the codes of answers that are about the credentials, or the clock, of the caller, rather than about a file.
var badKeys = []string{
	"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidClientTokenId", "RequestTimeTooSkewed",
	"XAdminUserNotFound", // of versitygw, for InvalidAccessKeyId
}

// maxRetries is how often a request is tried before its error is returned.
const maxRetries = 4

// translate returns the error of package fs for one of the store.
func translate(err error) error {
	if err == nil {
		return nil
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case slices.Contains(badKeys, answer.Code): // with status 403, of versitygw 404
		return fmt.Errorf("%w: %w", ErrStore, err)
	case answer.StatusCode == http.StatusNotFound && answer.Code != "NoSuchBucket":
		return fs.ErrNotExist
	case answer.StatusCode == http.StatusForbidden:
		return &denied{err}
	case answer.StatusCode == http.StatusServiceUnavailable, answer.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %w", errBusy, err)
	case answer.StatusCode == http.StatusPreconditionFailed:
		return ErrChanged
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: no answer in time: %w", ErrStore, os.ErrDeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return fs.ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}
