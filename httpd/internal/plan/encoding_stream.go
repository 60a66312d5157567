package httpd

import (
	"context"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder is a content coding on its way.
type encoder interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// encoders are kept for each coding that is done on the fly, because they are
// large. They are the fast levels: what is compressed is small or is wanted
// now.
var encoders = map[string]*sync.Pool{
	"zstd": {New: func() any {
		// The options are valid, so there is no error. One goroutine each,
		// and a window that browsers take (RFC 9659).
		e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		return e
	}},
	"gzip": {New: func() any {
		e, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return e
	}},
}

// onTheFly are the codings that have an encoder, best first.
var onTheFly = []coding{{name: "zstd"}, {name: "gzip"}}

// compress puts the stream of a resource into a content coding that the client
// takes.
func (res *resource) compress(a *ask) {
	res.negotiated += ", Accept-Encoding"
	accepted := acceptedCodings(a.acceptEncoding, onTheFly)
	if len(accepted) == 0 {
		return
	}
	res.fields.add("Content-Encoding", accepted[0].name)
	res.stream = encode(accepted[0].name, res.stream)
}

// encode returns a stream of the same content in a coding that has encoders.
func encode(coding string, stream func(context.Context, io.Writer) error) func(context.Context, io.Writer) error {
	pool := encoders[coding]
	return func(ctx context.Context, w io.Writer) error {
		e := pool.Get().(encoder)
		defer pool.Put(e)
		e.Reset(w)
		defer e.Reset(nil) // not to hold w
		if err := stream(ctx, e); err != nil {
			return err
		}
		return e.Close()
	}
}
