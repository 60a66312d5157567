package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"syscall"
)

var (
	errShort   = errors.New("short body")
	errLong    = errors.New("long body")
	errDiffers = errors.New("content differs")
	errRange   = errors.New("another range than asked for")
	errReply   = errors.New("malformed reply")
)

// A statusError is the status of a complete response other than the one wanted.
type statusError int

func (s statusError) Error() string { return "status " + strconv.Itoa(int(s)) }

// kindOf returns a short name of an error, of which there are few, to count it by.
func kindOf(err error) string {
	var status statusError
	var reply *textproto.Error
	var protocol textproto.ProtocolError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var errno syscall.Errno
	switch {
	case errors.As(err, &status):
		return status.Error()
	case errors.As(err, &reply):
		return "reply " + strconv.Itoa(reply.Code)
	case errors.As(err, &cert):
		return "certificate"
	case errors.As(err, &alert), errors.As(err, &record):
		return "TLS"
	case errors.As(err, &protocol), errors.Is(err, errReply):
		return errReply.Error()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, io.EOF):
		return "closed by peer"
	case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled):
		return "stopped" // by this package, after the measurement
	case errors.As(err, &errno):
		if kind, ok := errnoKinds[errno]; ok {
			return kind
		}
		return errno.Error()
	}
	for _, known := range []error{errShort, errLong, errDiffers, errRange, errHead} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// explain adds advice to an error of the first request for a URL.
func explain(url string, err error) error {
	var cert *tls.CertificateVerificationError
	var reply *textproto.Error
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &cert):
		return fmt.Errorf("%s: %w (--insecure accepts any certificate)", url, err)
	case errors.As(err, &record):
		return fmt.Errorf("%s: %w (the server answered without TLS)", url, err)
	case errors.As(err, &reply) && reply.Code == 530:
		return fmt.Errorf("%s: %w (put user:password@ before the host)", url, err)
	case kindOf(err) == refused:
		return fmt.Errorf("%s: %w (is the server running?)", url, err)
	}
	return fmt.Errorf("%s: %w", url, err)
}

// Kinds of errors whose numbers differ between systems.
const (
	reset    = "reset by peer"
	refused  = "connection refused"
	timedOut = "timeout"
	noPort   = "no free local port"
	noFile   = "too many open files"
)
