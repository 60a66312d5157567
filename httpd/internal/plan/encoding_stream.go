package plan

import (
	"context"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder encodes a stream in a content coding.
type encoder interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// encoders are pools for each coding that is done on the fly, because encoders are
// large. They have the fastest levels: a client waits for what they encode.
var encoders = map[string]*sync.Pool{
	"zstd": {New: func() any {
		// The options are valid, so there is no error. One goroutine each,
		// and a window that browsers accept (RFC 9659).
		e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		return e
	}},
	"gzip": {New: func() any {
		e, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return e
	}},
}

// onTheFly are the codings with an encoder, best first.
var onTheFly = []coding{{name: "zstd"}, {name: "gzip"}}

// compress returns content in a content coding that the client accepts, and adds
// the fields that say so.
func (res *resource) compress(r *Request, content stream) stream {
	res.negotiated += ", Accept-Encoding"
	accepted := acceptedCodings(r.AcceptEncoding, onTheFly)
	if len(accepted) == 0 {
		return content
	}
	res.fields.add("Content-Encoding", accepted[0].name)
	return encode(accepted[0].name, content)
}

// encode returns a stream of the same content in a coding that has encoders.
func encode(coding string, content stream) stream {
	pool := encoders[coding]
	return func(ctx context.Context, w io.Writer) error {
		e := pool.Get().(encoder)
		defer pool.Put(e)
		e.Reset(w)
		defer e.Reset(nil) // the pool must not keep w
		if err := content(ctx, e); err != nil {
			return err
		}
		return e.Close()
	}
}
