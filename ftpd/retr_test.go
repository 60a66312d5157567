package ftpd_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// dataModes has all kinds of data connections.
var dataModes = []struct {
	name string
	host string
	mode mode
}{
	{"passive", "127.0.0.1:0", pasv},
	{"extended passive", "127.0.0.1:0", epsv},
	{"active", "127.0.0.1:0", port},
	{"extended active", "127.0.0.1:0", eprt},
	{"extended passive over IPv6", "[::1]:0", epsv},
	{"extended active over IPv6", "[::1]:0", eprt},
}

func TestRetrIsZeroCopyInEveryMode(t *testing.T) {
	const size = 5<<20 + 123
	for _, tt := range dataModes {
		t.Run(tt.name, func(t *testing.T) {
			s := startOn(t, tt.host, nil)
			s.file("f", size)
			c := s.guest()
			conn := c.data(tt.mode, "RETR f")
			got := <-nettest.Sum(t, conn)
			c.expect(226, "RETR")
			if got.Err != nil || got.SHA256 != nettest.PatternSum(0, size) {
				t.Errorf("got %d bytes, error %v, not the file", got.N, got.Err)
			}
			x := s.transfer()
			if x.Op != ftpd.Retrieve || x.Path != "/f" || x.User != "anonymous" || x.Err != nil {
				t.Errorf("got %+v", x)
			}
			wantMethod(t, x, size)
		})
	}
}

// wantMethod checks that all n bytes were sent by sendfile(2), on systems that have it.
func wantMethod(t *testing.T, x ftpd.Transfer, n int64) {
	t.Helper()
	if x.Sent != n {
		t.Errorf("sent = %d, want %d", x.Sent, n)
	}
	if hasSendfile && (x.Method != sendfile.Sendfile || x.ZeroCopied != n) {
		t.Errorf("method = %v with %d zero-copied, want sendfile with %d", x.Method, x.ZeroCopied, n)
	}
}

func TestRetrUsesTheForcedMethod(t *testing.T) {
	for _, method := range []sendfile.Method{sendfile.Copy, sendfile.Splice} {
		t.Run(method.String(), func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { s.Method = method })
			s.file("f", 100_000)
			s.guest().get(pasv, "RETR f")
			want := method
			if method == sendfile.Splice && hasSendfile { // splice is for uploads only
				want = sendfile.Sendfile
			}
			if x := s.transfer(); x.Method != want || x.Sent != 100_000 {
				t.Errorf("sent %d by %v, want 100000 by %v", x.Sent, x.Method, want)
			}
		})
	}
}

func TestRetrFromAnOffset(t *testing.T) {
	const size = 1000
	s := start(t, nil)
	s.file("f", size)
	c := s.guest()
	for _, tt := range []struct {
		name string
		rest int64
		code int // of the first reply to RETR
	}{
		{"the first byte", 0, 150},
		{"the middle", 333, 150},
		{"the last byte", size - 1, 150},
		{"the end", size, 150},
		{"beyond the end", size + 1, 550},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.want(350, fmt.Sprintf("REST %d", tt.rest))
			if tt.code != 150 {
				c.passive(pasv)
				c.want(tt.code, "RETR f")
				if x := s.transfer(); x.Err == nil || x.Sent != 0 {
					t.Errorf("got %+v, want an error", x)
				}
				return
			}
			got := <-nettest.Sum(t, c.data(pasv, "RETR f"))
			c.expect(226, "RETR")
			if got.SHA256 != nettest.PatternSum(tt.rest, size-tt.rest) {
				t.Errorf("got %d bytes, not those at %d", got.N, tt.rest)
			}
			if x := s.transfer(); x.Offset != tt.rest || x.Sent != size-tt.rest {
				t.Errorf("got %+v", x)
			}
			if got := len(c.get(pasv, "RETR f")); got != size {
				t.Errorf("the next RETR gave %d bytes, want all: REST is for one transfer", got)
			}
			s.transfer()
		})
	}
}

func TestRetrOfAnEmptyFile(t *testing.T) {
	for _, m := range []mode{pasv, port} {
		t.Run(string(m), func(t *testing.T) {
			s := start(t, nil)
			s.file("f", 0)
			if got := s.guest().get(m, "RETR f"); got != "" {
				t.Errorf("got %q", got)
			}
			if x := s.transfer(); x.Sent != 0 || x.Err != nil {
				t.Errorf("got %+v", x)
			}
		})
	}
}

func TestRetrNearTheEndOfAHugeFileSendsTheTailOnly(t *testing.T) {
	const size, tail = 5 << 30, 100_000
	s := start(t, nil)
	s.sparse("f", size)
	c := s.guest()
	if text := c.want(213, "SIZE f"); text != fmt.Sprint("213 ", int64(size)) {
		t.Errorf("SIZE: %q", text)
	}
	c.want(350, fmt.Sprint("REST ", int64(size-tail)))
	if got := len(c.get(pasv, "RETR f")); got != tail {
		t.Errorf("got %d bytes, want %d", got, tail)
	}
	x := s.transfer()
	wantMethod(t, x, tail)
	if x.Offset != size-tail {
		t.Errorf("offset = %d", x.Offset)
	}
}

func TestRetrDoesNotConvertTypeA(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10_000)
	c := s.guest()
	c.want(200, "TYPE A")
	got := <-nettest.Sum(t, c.data(pasv, "RETR f"))
	c.expect(226, "RETR")
	if got.SHA256 != nettest.PatternSum(0, 10_000) {
		t.Error("the bytes have changed")
	}
	wantMethod(t, s.transfer(), 10_000)
}

// big is larger than the buffers of two sockets.
const big = 64 << 20

// begin starts a download of a file of size big, which cannot end before the client reads
// on.
func (s *server) begin(c *client, m mode) io.ReadCloser {
	s.t.Helper()
	s.sparse("big", big)
	conn := c.data(m, "RETR big")
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

func TestRetrOfAFileThatShrinksFails(t *testing.T) {
	s := start(t, nil)
	c := s.guest()
	conn := s.begin(c, pasv)
	if err := os.Truncate(filepath.Join(s.dir, "big"), 1000); err != nil {
		t.Fatal(err)
	}
	got := <-nettest.Sum(t, conn)
	c.expect(451, "RETR")
	x := s.transfer()
	var e *sendfile.Error
	if !errors.As(x.Err, &e) || e.Side != sendfile.File || !errors.Is(e, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an early end of the file", x.Err)
	}
	if x.Sent != got.N+1 || x.Sent >= big {
		t.Errorf("got %d bytes sent, the client has %d", x.Sent, got.N+1)
	}
}

func TestRetrOfAFileThatGrowsSendsTheOriginalSize(t *testing.T) {
	s := start(t, nil)
	c := s.guest()
	conn := s.begin(c, pasv)
	if err := os.Truncate(filepath.Join(s.dir, "big"), big+1000); err != nil {
		t.Fatal(err)
	}
	if got := <-nettest.Sum(t, conn); got.N+1 != big {
		t.Errorf("got %d bytes, want %d", got.N+1, big)
	}
	c.expect(226, "RETR")
}

func TestRetrToAClientThatStallsIsCut(t *testing.T) {
	for _, m := range []mode{pasv, port} {
		t.Run(string(m), func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { s.StallTimeout = 100 * time.Millisecond })
			c := s.guest()
			conn := s.begin(c, m)
			x := s.transfer()
			var e *sendfile.Error
			if !errors.As(x.Err, &e) || e.Side != sendfile.Peer || !e.Timeout() {
				t.Errorf("got %v, want a timeout of the peer", x.Err)
			}
			if text := c.expect(426, "RETR"); !strings.Contains(text, "o byte moved") {
				t.Errorf("reply %q", text)
			}
			if got := <-nettest.Sum(t, conn); got.Err == nil {
				t.Errorf("the client got %d bytes and a clean end, want a reset", got.N)
			}
			c.want(200, "NOOP")
		})
	}
}

func TestSlowRetrIsNotCut(t *testing.T) {
	const stall = 500 * time.Millisecond
	s := start(t, func(s *ftpd.Server) { s.StallTimeout = stall })
	s.sparse("big", big)
	c := s.guest()
	conn := c.data(pasv, "RETR big")
	begun := time.Now()
	buf := make([]byte, 4<<20)
	for range big / len(buf) {
		if _, err := io.ReadFull(conn, buf); err != nil {
			t.Fatal(err)
		}
		time.Sleep(stall / 10) // a slow client
	}
	c.expect(226, "RETR")
	if d := time.Since(begun); d < stall {
		t.Errorf("took %v, less than the stall timeout, so the test proves nothing", d)
	}
}

func TestAborEndsRetr(t *testing.T) {
	for _, m := range []mode{pasv, port} {
		t.Run(string(m), func(t *testing.T) {
			s := start(t, nil)
			c := s.guest()
			s.begin(c, m)
			c.want(426, "ABOR")
			c.expect(226, "ABOR")
			if x := s.transfer(); x.Err == nil {
				t.Error("reported as a success")
			}
			s.file("f", 1000)
			if got := len(c.get(m, "RETR f")); got != 1000 {
				t.Errorf("the next RETR gave %d bytes", got)
			}
		})
	}
}

// Python's ftplib sends ABOR as urgent data and waits for the reply.
func TestABORAsUrgentDataIsObeyed(t *testing.T) {
	s := start(t, nil)
	c := s.guest()
	s.begin(c, pasv)
	sendUrgent(t, c.conn, "ABOR\r\n")
	c.expect(426, "ABOR")
	c.expect(226, "ABOR")
}

func TestDisconnectingEndsATransfer(t *testing.T) {
	for _, tt := range []struct {
		name string
		last func(*client)
	}{
		{"without pending commands", func(*client) {}},
		{"with a pending command", func(c *client) { c.send("PWD") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { s.StallTimeout = 500 * time.Millisecond })
			c := s.guest()
			s.begin(c, pasv)
			tt.last(c)
			nettest.Reset(t, c.conn)
			if x := s.transfer(); x.Err == nil {
				t.Error("reported as a success")
			}
			next(t, s.disconnects)
		})
	}
}

func TestRetrRefused(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	if err := os.Mkdir(filepath.Join(s.dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := s.guest()
	c.want(425, "RETR f") // neither PASV nor PORT
	for _, line := range []string{"RETR nothing", "RETR d", "RETR /", "RETR f/f"} {
		c.passive(pasv)
		text := c.want(550, line)
		if strings.Contains(text, s.dir) {
			t.Errorf("%s: reply %q contains the host's path", line, text)
		}
		if x := s.transfer(); x.Err == nil {
			t.Errorf("%s: reported as a success", line)
		}
	}
	c.want(501, "RETR")
}

// recordingListener is a listener whose connections record each Write.
type recordingListener struct {
	net.Listener
	writes chan string
}

func (n recordingListener) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return recordingConn{conn.(*net.TCPConn), n.writes}, nil
}

type recordingConn struct {
	*net.TCPConn
	writes chan string
}

func (c recordingConn) Write(p []byte) (int, error) {
	c.writes <- string(p)
	return c.TCPConn.Write(p)
}

// Some clients lose the second of two replies that they read together.
func TestEachReplyOfATransferIsAWriteOfItsOwn(t *testing.T) {
	for _, line := range []string{"RETR small", "NLST"} {
		writes := make(chan string, 100)
		s := startWithEngine(t, func(s *server, ln net.Listener) error { return s.Serve(recordingListener{ln, writes}) }, "127.0.0.1:0", nil, nil)
		s.file("small", 10)
		c := s.guest()
		c.get(epsv, line)
		var got []string
		for len(writes) > 0 {
			got = append(got, (<-writes)[:3])
		}
		if want := "220 331 230 229 150 226"; strings.Join(got, " ") != want {
			t.Errorf("%s: the writes are %q, want %q", line, got, want)
		}
	}
}
