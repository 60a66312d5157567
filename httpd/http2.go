package httpd

import (
	"io"
	"net/netip"
	"sync"

	"sluice/httpd/internal/netconn"
	"sluice/internal/budget"
)

// maxStreams is how many requests a client may have under way on one connection of HTTP/2.
// Browsers and curl open no more, and each costs about 15 KB that no budget counts.
const maxStreams = 100

// grantingBody is the body of a request by HTTP/2: its bytes are no flood of frames.
type grantingBody struct {
	io.ReadCloser
	conn *netconn.HTTPConn
}

func (b grantingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.conn.GrantBody(int64(n))
	return n, err
}

// A stream of HTTP/2 that sends a file copies it through a buffer, which it keeps while its
// client opens no window. So large buffers are shared, see budget.Budget.Buffers; a stream
// that gets none has a small one, with which it is only slower.
const (
	largeHTTP2Buffer = 64 << 10
	smallHTTP2Buffer = 4 << 10 // that of net/http for each stream is as large
)

var (
	largeHTTP2Buffers = sync.Pool{New: func() any { return new([largeHTTP2Buffer]byte) }}
	smallHTTP2Buffers = sync.Pool{New: func() any { return new([smallHTTP2Buffer]byte) }}
)

// http2Buffer returns a buffer for a stream, until giveBack is called.
func http2Buffer(large *budget.Pool, client netip.Addr) (buffer []byte, giveBack func()) {
	hold, err := large.TryTake(budget.Party{Client: client}, 1)
	if err != nil {
		b := smallHTTP2Buffers.Get().(*[smallHTTP2Buffer]byte)
		return b[:], func() { smallHTTP2Buffers.Put(b) }
	}
	b := largeHTTP2Buffers.Get().(*[largeHTTP2Buffer]byte)
	return b[:], func() {
		hold.Release()
		largeHTTP2Buffers.Put(b)
	}
}
