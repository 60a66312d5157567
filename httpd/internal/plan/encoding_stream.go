package plan

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sluice/internal/budget"
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
		return &blockEncoder{encoder: e}
	}},
	"gzip": {New: func() any {
		e, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return &blockEncoder{encoder: e}
	}},
}

// onTheFly are the codings with an encoder, best first.
var onTheFly = []coding{{name: "zstd"}, {name: "gzip"}}

// compress returns content in a content coding that the client accepts, and adds
// the fields that say so. While too many others wait for that, it is none.
func (res *resource) compress(r *Request, turns *budget.Pool, content stream) stream {
	res.negotiated += ", Accept-Encoding"
	accepted := acceptedCodings(r.AcceptEncoding, onTheFly)
	if len(accepted) == 0 || turns.CheckPlace(r.party()) != nil {
		return content
	}
	res.fields.add("Content-Encoding", accepted[0].name)
	return encode(accepted[0].name, r.party(), turns, content)
}

// encode returns a stream of the same content in a coding that has encoders. It waits
// for turns in the name of party.
func encode(coding string, party budget.Party, turns *budget.Pool, content stream) stream {
	pool := encoders[coding]
	return func(ctx context.Context, w io.Writer) error {
		e := pool.Get().(*blockEncoder)
		defer pool.Put(e)
		e.begin(ctx, w, party, turns)
		defer e.end()
		if err := content(ctx, e); err != nil {
			return err
		}
		return e.Close()
	}
}

// encoderBlock is how much is encoded at once, which takes half a millisecond.
const encoderBlock = 64 << 10

// blockEncoder collects blocks, and encodes each in a turn of its own: a stream that
// waits for its client, or for the disk, keeps no turn.
type blockEncoder struct {
	encoder encoder
	block   []byte       // content that is not encoded yet
	encoded bytes.Buffer // what is not sent yet

	ctx   context.Context
	w     io.Writer
	party budget.Party
	turns *budget.Pool
}

func (e *blockEncoder) begin(ctx context.Context, w io.Writer, party budget.Party, turns *budget.Pool) {
	e.ctx, e.w, e.party, e.turns = ctx, w, party, turns
	if e.block == nil {
		e.block = make([]byte, 0, encoderBlock)
	}
	e.encoder.Reset(&e.encoded)
}

// end makes the encoder ready for another stream. Nothing of this one is kept.
func (e *blockEncoder) end() {
	e.encoder.Reset(nil)
	e.block, e.ctx, e.w, e.party, e.turns = e.block[:0], nil, nil, budget.Party{}, nil
	e.encoded.Reset()
}

// Write implements io.Writer.
func (e *blockEncoder) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		n := min(len(p), cap(e.block)-len(e.block))
		e.block = append(e.block, p[:n]...)
		p, written = p[n:], written+n
		if len(e.block) == cap(e.block) {
			if err := e.encode(func() error { return nil }); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// Close encodes the rest. It does not close the Writer below.
func (e *blockEncoder) Close() error { return e.encode(e.encoder.Close) }

// encode encodes the block, calls more, and sends what has come of it.
func (e *blockEncoder) encode(more func() error) error {
	if sink, ok := e.w.(Sink); ok {
		sink.StopClock()
	}
	turn, err := e.turns.Take(e.ctx, e.party, 1, 0)
	if err != nil {
		return err
	}
	_, err = e.encoder.Write(e.block)
	if err == nil {
		err = more()
	}
	turn.Release()
	e.block = e.block[:0]
	if err != nil || e.encoded.Len() == 0 {
		return err
	}
	_, err = e.encoded.WriteTo(e.w)
	return err
}
