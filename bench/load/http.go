package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"
)

// An httpClient is one HTTP/1.1 connection.
type httpClient struct {
	target  *target
	config  *tls.Config // nil without TLS
	timeout time.Duration
	moved   *atomic.Int64
	keep    bool // use a connection for more than one request

	conn *serverConn // nil when there is none
	out  []byte      // the head of the last request

	follows bool
	ctx     context.Context // of connect, for other
	other   *httpClient     // of the server of the last redirect; nil: there was none
}

func (c *httpClient) connect(ctx context.Context) (err error) {
	c.ctx = ctx
	if c.conn, err = dial(ctx, c.target.address, c.config, c.timeout); err != nil {
		c.conn = nil
		return err
	}
	c.conn.moved = c.moved
	return nil
}

func (c *httpClient) connected() bool { return c.conn != nil }

func (c *httpClient) address() string { return c.conn.netConn.RemoteAddr().String() }

func (c *httpClient) close() {
	if c.conn != nil {
		c.conn.close()
		c.conn = nil
	}
	if c.other != nil {
		c.other.close()
	}
}

func (c *httpClient) do(rq *request) error {
	if rq.op == minimal { // HTTP has no cheaper request that every server takes
		rq.op = fetch
	}
	c.out = appendRequest(c.out[:0], c.target, rq, c.keep)
	sent := c.conn.send(c.out)
	if sent == nil && rq.op == store {
		sent = c.conn.upload(rq.content, rq.size)
	}
	h, err := c.head()
	if sent != nil && err != nil {
		return sent // the server sent no response that says why it did not read the request
	}
	if err != nil {
		return err
	}
	if c.follows && rq.op == fetch && (h.status == 302 || h.status == 307) {
		return c.follow(&h, rq)
	}
	if err := h.accept(rq); err != nil || sent != nil {
		c.close() // the rest of the connection cannot be used
		if err == nil {
			err = sent
		}
		return err
	}
	n, err := c.body(&h, rq.digest)
	rq.got = n
	if err != nil || h.close || !c.keep {
		c.close()
	}
	return err
}

// follow sends the request to the server that the redirect h names, over a connection to that one.
func (c *httpClient) follow(h *head, rq *request) error {
	if _, err := c.body(h, nil); err != nil {
		c.close()
		return err
	}
	t, err := parseURL(h.location)
	if err != nil {
		return err
	}
	if t.protocol != http11 {
		return fmt.Errorf("redirect to %s, not to HTTP", t.protocol)
	}
	if c.other == nil || c.other.target.server() != t.server() {
		if c.other != nil {
			c.other.close()
		}
		c.other = &httpClient{target: t, config: t.tlsConfig(c.config != nil && c.config.InsecureSkipVerify), timeout: c.timeout, moved: c.moved, keep: c.keep}
	}
	c.other.target = t
	if !c.other.connected() {
		if err := c.other.connect(c.ctx); err != nil {
			return err
		}
	}
	there := *rq
	there.url = 0
	err = c.other.do(&there)
	rq.got = there.got
	if err != nil {
		c.other.close()
	}
	if h.close || !c.keep {
		c.close()
	}
	return err
}

func (c *httpClient) waitForClose() error {
	if c.conn == nil {
		return io.EOF // closed after the response
	}
	return c.conn.waitForClose()
}

// appendRequest appends the head of a request to p.
func appendRequest(p []byte, t *target, rq *request, keep bool) []byte {
	path := t.paths[rq.url]
	method := "GET"
	switch rq.op {
	case store:
		method, path = "PUT", rq.name
	case remove:
		method, path = "DELETE", rq.name
	}
	p = append(p, method...)
	p = append(p, ' ')
	p = append(p, path...)
	p = append(p, " HTTP/1.1\r\nHost: "...)
	p = append(p, t.authority...)
	p = append(p, "\r\nUser-Agent: sluice-bench\r\n"...)
	if auth := t.basicAuth(); auth != "" {
		p = append(p, "Authorization: "...)
		p = append(p, auth...)
		p = append(p, "\r\n"...)
	}
	if !keep {
		p = append(p, "Connection: close\r\n"...)
	}
	switch rq.op {
	case store:
		p = append(p, "Content-Length: "...)
		p = strconv.AppendInt(p, rq.size, 10)
		p = append(p, "\r\n"...)
	case part:
		p = append(p, "Range: bytes="...)
		p = strconv.AppendInt(p, rq.off, 10)
		p = append(p, '-')
		p = strconv.AppendInt(p, rq.off+rq.size-1, 10)
		p = append(p, "\r\n"...)
	}
	return append(p, "\r\n"...)
}

// head reads up to the end of the final response's head.
func (c *httpClient) head() (head, error) {
	for begun := false; ; begun = true {
		h, n, err := parseHead(c.conn.buf[c.conn.r:c.conn.w])
		if err != nil {
			return h, err
		}
		c.conn.r += n
		switch {
		case n > 0 && h.status >= 200:
			return h, nil
		case n > 0:
			continue // an interim response (RFC 9110, section 15.2)
		}
		if err := c.conn.fill(); err != nil {
			if begun {
				err = unexpectedEnd(err)
			}
			return h, err
		}
	}
}

// accept returns an error if the response is not one to rq.
func (h *head) accept(rq *request) error {
	switch {
	case rq.op == fetch && (h.status == 200 || h.status == 206),
		rq.op == part && h.status == 206,
		rq.op >= store && (h.status == 200 || h.status == 201 || h.status == 202 || h.status == 204):
	default:
		return statusError(h.status)
	}
	if rq.op != part {
		return nil
	}
	last := rq.off + rq.size - 1
	if h.total >= 0 {
		last = min(last, h.total-1)
	}
	if h.first != rq.off || h.last != last || h.length >= 0 && h.length != h.last-h.first+1 {
		return errRange
	}
	return nil
}

// body reads the body after h and returns its length.
func (c *httpClient) body(h *head, d *digest) (int64, error) {
	before := c.moved.Load()
	err := c.readBody(h, d)
	return c.moved.Load() - before, err
}

func (c *httpClient) readBody(h *head, d *digest) error {
	switch {
	case h.bodyless():
		return nil
	case !h.chunked:
		if h.length < 0 {
			h.close = true // the body ends with the connection
		}
		return c.conn.body(h.length, d)
	}
	for {
		line, err := c.conn.line()
		if err != nil {
			return err
		}
		n, err := parseChunkSize(line)
		if err != nil {
			return err
		}
		if n == 0 {
			return c.trailer()
		}
		if err := c.conn.body(n, d); err != nil {
			return err
		}
		if line, err = c.conn.line(); err != nil {
			return err
		}
		if len(line) > 0 {
			return errHead
		}
	}
}

// trailer reads up to the empty line after the last chunk.
func (c *httpClient) trailer() error {
	for size := 0; size < maxHead; {
		line, err := c.conn.line()
		if err != nil || len(line) == 0 {
			return err
		}
		size += len(line)
	}
	return errHead
}
