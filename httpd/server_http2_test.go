package httpd_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/budget"
	"sluice/internal/nettest"
)

// frame returns a frame of HTTP/2 (RFC 9113, 4.1).
func frame(kind, flags byte, stream byte, payload string) string {
	return string([]byte{0, 0, byte(len(payload)), kind, flags, 0, 0, 0, stream}) + payload
}

// An HTTP/2 client that opens no window takes nothing, whatever other frames it sends.
func TestAClosedHTTP2WindowIsAStall(t *testing.T) {
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	for name, size := range map[string]int64{"large": 1 << 20, "small": 100} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) {
				srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
				srv.StallTimeout = 50 * time.Millisecond
			})
			s.pattern(t, "f", size)
			addr, _ := s.serveTLS(t)
			c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			const headers, reset, settings, last = 1, 3, 4, 0x5
			_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+
				frame(settings, 0, 0, "\x00\x04\x00\x00\x00\x00")+ // SETTINGS_INITIAL_WINDOW_SIZE 0
				frame(headers, last, 1, "\x82\x87\x04\x02/f\x01\x04test")) // GET, https, :path, :authority
			for head := make([]byte, 9); head[3] != reset; {
				if _, err := io.ReadFull(c, head); err != nil {
					t.Fatalf("%v before the stream was reset", err)
				}
				if _, err := io.CopyN(io.Discard, c, int64(head[1])<<8|int64(head[2])); err != nil {
					t.Fatal(err)
				}
			}
			// A handler cannot know that bytes are still in the buffers of net/http.
			if record := s.report(t); size > 4096 && !errors.Is(record.Err, os.ErrDeadlineExceeded) {
				t.Errorf("recorded %v, want %v", record.Err, os.ErrDeadlineExceeded)
			}
		})
	}
}

// http2Client is a client that sends and reads frames.
type http2Client struct {
	*tls.Conn
	t *testing.T
}

const (
	dataFrame, headersFrame, resetFrame, settingsFrame, pingFrame, goAwayFrame = 0, 1, 3, 4, 6, 7

	ackFlag, lastFlags = 1, 5 // of SETTINGS and PING; of HEADERS that are whole and without a body

	noWindow = "\x00\x04\x00\x00\x00\x00"       // SETTINGS_INITIAL_WINDOW_SIZE 0
	getF     = "\x82\x87\x04\x02/f\x01\x04test" // GET, https, :path, :authority
)

// dialHTTP2 connects with settings.
func dialHTTP2(t *testing.T, addr, settings string) http2Client {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+frame(settingsFrame, 0, 0, settings)+frame(settingsFrame, ackFlag, 0, ""))
	return http2Client{c, t}
}

// next reads a frame.
func (c http2Client) next() (kind, flags byte, payload []byte, err error) {
	head := make([]byte, 9)
	if _, err = io.ReadFull(c, head); err != nil {
		return 0, 0, nil, err
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(c, payload)
	return head[3], head[4], payload, err
}

// await reads frames until one is of a kind, and returns its payload.
func (c http2Client) await(want byte) []byte {
	c.t.Helper()
	for {
		kind, flags, payload, err := c.next()
		if err != nil {
			c.t.Fatalf("%v before a frame of type %d", err, want)
		}
		if kind == want && (kind != settingsFrame || flags&ackFlag == 0) {
			return payload
		}
	}
}

// serveHTTP2 serves a file f of size bytes.
func serveHTTP2(t *testing.T, size int64, set ...func(*httpd.Handler)) (s *site, addr string) {
	t.Helper()
	other := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(other.Close)
	s = serve(t, func(srv *httpd.Server) {
		srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
		for _, set := range set {
			set(handler(srv))
		}
	})
	s.pattern(t, "f", size)
	addr, _ = s.serveTLS(t)
	return s, addr
}

func TestAConnectionOfHTTP2HasAHundredStreams(t *testing.T) {
	_, addr := serveHTTP2(t, 1)
	settings := dialHTTP2(t, addr, "").await(settingsFrame)
	for ; len(settings) >= 6; settings = settings[6:] {
		if settings[1] == 3 { // SETTINGS_MAX_CONCURRENT_STREAMS
			if n := binary.BigEndian.Uint32(settings[2:]); n != 100 {
				t.Errorf("got %d, want 100", n)
			}
			return
		}
	}
	t.Error("the server has not said how many streams a client may have")
}

// Streams whose clients take nothing keep large buffers from others, which then have small ones. Servers share them.
func TestStreamsOfHTTP2ShareLargeBuffers(t *testing.T) {
	shared := new(httpd.Budget)
	buffers := budget.Of(shared).Buffers
	buffers.SetBounds(budget.Bounds{Size: 1})
	inUse := func() int64 { return buffers.Stats().InUse }
	const size = 1 << 20
	s, addr := serveHTTP2(t, size, func(h *httpd.Handler) { h.Budget = shared })
	other, otherAddr := serveHTTP2(t, size, func(h *httpd.Handler) { h.Budget = shared })
	c := dialHTTP2(t, addr, noWindow)
	_, _ = io.WriteString(c, frame(headersFrame, lastFlags, 1, getF))
	c.await(headersFrame)
	for deadline := time.Now().Add(20 * time.Second); inUse() != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d buffers are in use, want 1", inUse())
		}
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}}
	resp, err := client.Get("https://" + otherAddr + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	want, _ := io.ReadAll(nettest.Pattern(size))
	if err != nil || resp.ProtoMajor != 2 || !bytes.Equal(body, want) {
		t.Errorf("HTTP/%d, %d bytes, %v", resp.ProtoMajor, len(body), err)
	}
	other.report(t)
	if got := buffers.Stats(); got.InUse != 1 || got.Refused == 0 {
		t.Errorf("%d buffers are in use after %d refusals, want 1 after some", got.InUse, got.Refused)
	}
	_ = c.Close()
	s.report(t)
	if n := inUse(); n != 0 {
		t.Errorf("%d buffers are in use at the end", n)
	}
}

// A client that sends control frames without end, and reads the answers, is cut. One that sends a request now and then,
// or a large body, is not.
func TestFramesWithoutEndEndTheConnection(t *testing.T) {
	for name, flooding := range map[string]string{
		"SETTINGS": frame(settingsFrame, 0, 0, ""),
		"PING":     frame(pingFrame, 0, 0, "12345678"),
		"PRIORITY": frame(2, 0, 1, "\x00\x00\x00\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := serveHTTP2(t, 100)
			c := dialHTTP2(t, addr, "")
			cut := make(chan struct{})
			go func() {
				defer close(cut)
				_, _ = io.Copy(io.Discard, c)
			}()
			many, sent := strings.Repeat(flooding, 1000), 0
			for sent < 64<<20 {
				n, err := io.WriteString(c, many)
				sent += n
				if err != nil {
					break
				}
			}
			<-cut
			if sent >= 64<<20 {
				t.Errorf("the client could send %d MB", sent>>20)
			}
		})
	}
}

func TestALargeUploadByHTTP2IsNoFlood(t *testing.T) {
	root, _ := writable(t, nil)
	other := httptest.NewTLSServer(nil) // for its certificate
	defer other.Close()
	s := serve(t, func(srv *httpd.Server) {
		srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates}
		handler(srv).FS, handler(srv).Write = root, writing
	})
	addr, _ := s.serveTLS(t)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	for i, method := range []string{"PUT", "POST", "PUT", "PUT"} { // POST is refused, and its body not read
		resp, _ := send(t, client, method, fmt.Sprintf("https://%s/f%d", addr, i), nettestBody(12<<20))
		if isPut := method == "PUT"; resp.ProtoMajor != 2 || isPut && resp.StatusCode != http.StatusCreated {
			t.Errorf("%s: %s by HTTP/%d", method, resp.Status, resp.ProtoMajor)
		}
	}
}
