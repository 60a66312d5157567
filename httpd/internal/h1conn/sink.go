package h1conn

import (
	"io"

	"sluice/httpd/internal/netconn"
	"sluice/sendfile"
)

// sink sends the body of the present response behind what is in out.
type sink conn

// Write implements plan.Sink.
func (s *sink) Write(p []byte) (int, error) {
	if err := (*conn)(s).sendBytes(p, sendfile.Auto); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteFile implements plan.Sink.
func (s *sink) WriteFile(content []byte) error { return (*conn)(s).sendBytes(content, sendfile.Copy) }

// SendFile implements plan.Sink.
func (s *sink) SendFile(f io.ReaderAt, off, n int64) error { return (*conn)(s).sendFile(f, off, n) }

// StopClock implements plan.Sink. A timeout runs only while bytes are sent.
func (s *sink) StopClock() {}

// sendBytes puts p behind what is in out, and sends both if they do not fit. method is
// that of the response if p is the content of a file, else Auto.
func (c *conn) sendBytes(p []byte, method sendfile.Method) error {
	b, r := c.buffers, &c.response
	for {
		n, err := r.limits.Take(len(p))
		if err != nil {
			return err
		}
		if n == len(p) && len(b.out)+n <= cap(b.out) {
			b.out = append(b.out, p...)
			r.add(int64(n), method)
			return nil
		}
		if _, err := c.flush(true); err != nil {
			return err
		}
		sent, err := c.write(p[:n], false)
		r.add(sent, method)
		if p = p[n:]; err != nil || len(p) == 0 {
			return err
		}
	}
}

// sendFile sends the part of a file behind what is in out.
func (c *conn) sendFile(f io.ReaderAt, off, n int64) error {
	if _, err := c.flush(joins(int64(len(c.buffers.out)), n)); err != nil {
		return err
	}
	r := &c.response
	res, err := c.net.SendFile(f, off, n, sendfile.Options{
		Timeout: c.server.StallTimeout, Method: c.handler.Method, Wait: r.limits.Hook(),
	}, r.transfer)
	netconn.AddResult(&r.res, res)
	return err
}

// joins reports whether a head should wait for the n bytes behind it. The system
// hands over 64 KiB at a time, and a head that makes one more of them necessary
// costs more than a packet of its own; see the package comment.
func joins(head, n int64) bool {
	const most = 64 << 10
	return (n-1)%most+1+head <= most
}

// flush sends what is in out. It returns how much of that was not sent. If
// more follows at once, the last packet may wait for it.
func (c *conn) flush(more bool) (unsent int64, err error) {
	b := c.buffers
	if len(b.out) == 0 {
		return 0, nil
	}
	n, err := c.write(b.out, more)
	unsent = int64(len(b.out)) - n
	b.out = b.out[:0]
	return unsent, err
}

// write sends p and returns how much of it was sent.
func (c *conn) write(p []byte, more bool) (int64, error) {
	res, err := c.net.SendBytes(p, sendfile.Options{Timeout: c.server.StallTimeout, More: more})
	return res.Sent, err
}
