package httpd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"sluice/internal/live"
	"sluice/sendfile"
)

// send carries out a reply in the net/http lane, to the ResponseWriter that w is.
// An error means that the body was cut.
func (s *sender) send(r *http.Request, rep *reply) error {
	w := s.w.(http.ResponseWriter)
	for _, f := range rep.header {
		if slices.Contains(single, f.name) {
			w.Header().Set(f.name, f.value)
		} else {
			w.Header().Add(f.name, f.value)
		}
	}
	if rep.hasLength() {
		w.Header().Set("Content-Length", strconv.FormatInt(rep.body.size(), 10))
	}
	w.WriteHeader(rep.status)
	defer s.prepare(r, w)()
	switch {
	case r.Method == http.MethodHead:
		return nil
	case rep.stream != nil:
		return rep.stream(r.Context(), s)
	}
	return s.sendBody(r.Context(), rep.body)
}

// single are the fields that a response has once, so that ours take the place of
// what middleware has set before.
var single = []string{
	"Accept-Ranges", "Content-Disposition", "Content-Range", "Content-Type", "Etag", "Last-Modified", "Location",
	"X-Content-Type-Options",
}

// sender writes a body to where it goes.
type sender struct {
	h   *Handler
	w   io.Writer
	res sendfile.Result // so far

	// direct, if not nil, is a ResponseWriter that leads to a connection with a
	// fast path for files: they are given to it in place of w.
	direct http.ResponseWriter

	transfer *live.Transfer // nil: none
	limits   *limits
	stream   *streamWriter // w, if it is one
	stall    time.Duration // for sendfile.Options, as chunk
	chunk    int
}

// unwatchedChunk is how much is sent at once where nobody looks on, on connections
// of another http.Server. 8 clients, 1 MiB, CPU ms per 1,000 responses: 491 with the
// usual 256 KiB, 336 with this, http.FileServer 333.
const unwatchedChunk = 1 << 20

// prepare finds out what w, which s has, leads to, and returns what is to be done at the end.
func (s *sender) prepare(r *http.Request, w http.ResponseWriter) (end func()) {
	s.stall = s.h.stallTimeout()
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.WriteTimeout > 0 {
		s.stall = 0 // its deadline is not ours to move
	}
	c := connOf(r.Context())
	if c != nil {
		s.stall = c.stall
	} else {
		s.chunk = unwatchedChunk
	}
	if _, takesFiles := w.(io.ReaderFrom); takesFiles && r.ProtoMajor == 1 && r.TLS == nil {
		s.direct = w
	}
	if s.stall > 0 && (c == nil || r.ProtoMajor == 2) { // nobody below bounds the wait for the client
		s.stream = &streamWriter{w: w, stall: s.stall, step: wholeStep}
		if r.ProtoMajor == 2 {
			s.stream.step = streamStep
		}
		s.w, s.limits = s.stream, s.limits.resting(s.stream)
	}
	if s.stream != nil && r.ProtoMajor == 2 {
		return s.stream.end
	}
	return func() {}
}

// Write sends bytes that are no file's.
func (s *sender) Write(p []byte) (int, error) { return s.write(p, sendfile.Auto) }

// write sends bytes that came from memory.
func (s *sender) write(p []byte, method sendfile.Method) (written int, err error) {
	if method != sendfile.Auto {
		s.res.Method = method
	}
	for written < len(p) && err == nil {
		var n int
		if n, err = s.limits.take(len(p) - written); err != nil {
			break
		}
		n, err = checkedWrite(s.w, p[written:written+n])
		written += n
		s.res.Sent += int64(n)
		s.transfer.Add(sendfile.Result{Sent: int64(n), Method: method})
	}
	return written, err
}

func (s *sender) sendBody(ctx context.Context, b body) error {
	for _, p := range b {
		if err := s.sendPiece(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) sendPiece(ctx context.Context, p piece) error {
	switch {
	case p.n == 0:
		return nil
	case p.data != nil:
		_, err := s.write(p.data[p.off:p.off+p.n], p.method())
		return err
	case p.file != nil:
		return s.sendFile(p.file, p.off, p.n)
	case p.open != nil:
		f, err := p.open()
		if err != nil {
			return err
		}
		defer f.Close()
		return s.sendFile(f, p.off, p.n)
	}
	s.stream.rest()
	data, err := p.make(ctx)
	if err != nil {
		return err
	}
	if int64(len(data)) < p.off+p.n {
		return fmt.Errorf("a part of %d bytes was made, %d were promised", len(data), p.off+p.n)
	}
	_, err = s.Write(data[p.off : p.off+p.n])
	return err
}

// sendFile sends a part of a file, past net/http if that can be.
func (s *sender) sendFile(f io.ReaderAt, off, n int64) error {
	part := &filePart{
		file: f, off: off, n: n,
		opt:      sendfile.Options{Timeout: s.stall, Chunk: s.chunk, Method: s.h.method(), Wait: s.limits.hook()},
		transfer: s.transfer,
	}
	w := s.w
	if s.direct != nil {
		w = s.direct
		// Before the header is out, net/http would read the beginning of the
		// body itself to look at it. Where middleware has no such method this
		// fails, and net/http does that.
		_ = http.NewResponseController(s.direct).Flush()
	}
	_, err := part.WriteTo(w)
	if err == nil && part.res.Sent < n {
		err = io.ErrShortWrite // by a ReadFrom of middleware; what follows would take the place of the rest
	}
	addResult(&s.res, part.res)
	s.stream.moved()
	return err
}

// checkedWrite has w write p, and believes no count that cannot be: a
// ResponseWriter may be anybody's.
func checkedWrite(w io.Writer, p []byte) (int, error) {
	n, err := w.Write(p)
	switch {
	case n < 0 || n > len(p):
		return 0, fmt.Errorf("Write returned an invalid count: %d for %d bytes", n, len(p))
	case n < len(p) && err == nil:
		err = io.ErrShortWrite
	}
	return n, err
}
