package s3fs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
)

// body is the bytes that a request sends. If the store takes none of them for the timeout, the request ends.
type body struct {
	timeout time.Duration
	stalled *time.Timer

	mu    sync.Mutex    // guards the fields below
	bytes *bytes.Reader // not embedded: its WriteTo would be one step
	ended error         // of Read and Seek
}

// end makes the request fail, unless all bytes were read. It reports whether it does.
func (b *body) end(cause error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = cause
	return b.bytes.Len() > 0
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended != nil && b.bytes.Len() > 0 {
		return 0, b.ended
	}
	n, err := b.bytes.Read(p)
	if b.bytes.Len() == 0 {
		b.stalled.Reset(2 * b.timeout) // the transport has its own timeout for the answer
	} else {
		b.stalled.Reset(b.timeout)
	}
	return n, err
}

// Seek lets the library send the bytes again.
func (b *body) Seek(offset int64, whence int) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended != nil {
		return 0, b.ended
	}
	b.stalled.Reset(b.timeout)
	return b.bytes.Seek(offset, whence)
}

var errStalled = fmt.Errorf("it takes no bytes: %w", os.ErrDeadlineExceeded)

// send calls request with a body of these bytes and their checksum, which the store compares.
//
// If ctx ends when the store may have all bytes, send waits for the answer nevertheless, unless s is closed. Otherwise the
// store could do what was asked for after it has answered a later request, such as one to remove the result.
func (s *FS) send(ctx context.Context, data []byte, request func(ctx context.Context, body io.Reader, sha256Hex string) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b := &body{bytes: bytes.NewReader(data), timeout: s.timeout}
	caller := ctx
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	defer context.AfterFunc(caller, func() {
		if cause := context.Cause(caller); b.end(cause) {
			cancel(cause)
		}
	})()
	b.stalled = time.AfterFunc(s.timeout, func() { cancel(errStalled) })
	defer b.stalled.Stop()
	sum := sha256.Sum256(data)
	err := request(ctx, b, hex.EncodeToString(sum[:]))
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		err = errStalled
	}
	return err
}

// tokenField is the metadata of an object that names the upload that it was made by.
const tokenField = "sluice-upload"

// putOptions returns the options for making an object. exclusive means that there must be none of that key.
func (s *FS) putOptions(token string, exclusive bool) minio.PutObjectOptions {
	opt := minio.PutObjectOptions{DisableContentSha256: true} // of chunks: send has that of all bytes
	if token != "" {
		opt.UserMetadata = map[string]string{tokenField: token}
	}
	if exclusive && !s.writing.noConditions.Load() {
		opt.SetMatchETagExcept("*")
	}
	return opt
}

// put makes an object of data. If exclusive is set and there is one of that key, the error is fs.ErrExist.
func (s *FS) put(ctx context.Context, key string, data []byte, token string, exclusive bool) error {
	return s.make(ctx, key, token, int64(len(data)), exclusive, func() error {
		return s.send(ctx, data, func(ctx context.Context, body io.Reader, sum string) error {
			_, err := s.client.PutObject(ctx, s.bucket, key, body, int64(len(data)), "", sum, s.putOptions(token, exclusive))
			return err
		})
	})
}

// putPart sends a part of a multipart upload, and returns its tag.
func (s *FS) putPart(ctx context.Context, key, id string, number int, data []byte) (etag string, err error) {
	err = s.send(ctx, data, func(ctx context.Context, body io.Reader, sum string) error {
		part, err := s.client.PutObjectPart(ctx, s.bucket, key, id, number, body, int64(len(data)),
			minio.PutObjectPartOptions{Sha256Hex: sum, DisableContentSha256: true})
		etag = part.ETag
		if err == nil && etag == "" {
			err = errors.New("a part has got no tag")
		}
		return err
	})
	return etag, translateWrite(err)
}

// make calls request, which makes the object of that key, and returns its result. If the request was answered in a way that
// leaves open whether there is the object, make asks for it.
//
// A store without conditions gets none: then make looks for an object of that key before.
func (s *FS) make(ctx context.Context, key, token string, size int64, exclusive bool, request func() error) error {
	hasCondition := exclusive && !s.writing.noConditions.Load()
	if exclusive && !hasCondition {
		if err := s.isFree(ctx, key); err != nil {
			return err
		}
	}
	err := request()
	answer := minio.ToErrorResponse(err)
	if hasCondition && answer.StatusCode == http.StatusNotImplemented {
		s.writing.noConditions.Store(true)
		return s.make(ctx, key, token, size, exclusive, request)
	}
	if err == nil || token == "" && !exclusive || !isDoubtful(answer) {
		return translateWrite(err)
	}
	object, headErr := s.head(ctx, key)
	switch {
	case headErr == nil && token != "" && tokenOf(object) == token && object.Size == size:
		return nil // the answer was lost, or a second attempt found the result of the first
	case headErr == nil && exclusive && answer.StatusCode != 0:
		return fs.ErrExist
	case headErr != nil && !errors.Is(headErr, fs.ErrNotExist):
		return fmt.Errorf("%w: it is not known whether the file is stored: %w", ErrStore, err)
	}
	return translateWrite(err)
}

// isDoubtful reports whether a request may have succeeded: its answer was lost, or is one that a repetition of a request
// gets after success.
func isDoubtful(answer minio.ErrorResponse) bool {
	switch answer.StatusCode {
	case 0, http.StatusNotFound, http.StatusPreconditionFailed, http.StatusConflict:
		return true
	}
	return answer.StatusCode >= http.StatusInternalServerError
}

// head describes an object.
func (s *FS) head(ctx context.Context, key string) (minio.ObjectInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	object, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	return object, translate(err)
}

// isFree returns nil if there is no object of that key.
func (s *FS) isFree(ctx context.Context, key string) error {
	_, err := s.head(ctx, key)
	switch {
	case err == nil:
		return fs.ErrExist
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

func tokenOf(object minio.ObjectInfo) string {
	for field, value := range object.UserMetadata {
		if strings.EqualFold(field, tokenField) {
			return value
		}
	}
	return ""
}

// translateWrite is translate for a request that changes the bucket.
func translateWrite(err error) error {
	answer := minio.ToErrorResponse(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errStalled):
		return fmt.Errorf("%w: %w", ErrStore, err)
	case answer.StatusCode == http.StatusInsufficientStorage, answer.Code == "QuotaExceeded":
		return fmt.Errorf("%w: the store: %w", syscall.ENOSPC, err)
	case answer.Code == "EntityTooLarge":
		return fmt.Errorf("%w: the store: %w", syscall.EFBIG, err)
	case answer.Code == "KeyTooLongError":
		return syscall.ENAMETOOLONG
	case answer.Code == "NoSuchUpload":
		return fmt.Errorf("%w: the store has no such upload any more", ErrStore)
	}
	return translate(err)
}
