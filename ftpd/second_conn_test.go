package ftpd_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/live"
)

// wantReset connects and checks that the connection is reset without a byte.
func wantReset(t *testing.T, addr string) {
	t.Helper()
	wantResetFrom(t, addr, "127.0.0.1")
}

// T19: another program on the client's host, or behind the same NAT, may connect before
// the client, or try all ports. The server cannot know which of two connections is the
// client's.
func TestASecondConnectionFailsTheTransfer(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		early      bool // both connections come before the command
		size       int64
		code       int
	}{
		{"before RETR", "RETR f", true, 10, 425},
		{"before STOR", "STOR new", true, 10, 425},
		{"before LIST", "LIST", true, 10, 425},
		{"during RETR", "RETR f", false, 64 << 20, 426},
		{"at the end of RETR", "RETR f", false, 10, 426},
		{"at the end of LIST", "LIST", false, 10, 426},
		{"during STOR", "STOR new", false, 10, 426},
		{"during APPE", "APPE new", false, 10, 426},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, func(s *ftpd.Server) { s.SetReaderDelay(patience) })
			s.sparse("f", tt.size)
			c := s.login()
			addr := c.passive(pasv)
			first := c.connect(addr)
			if !tt.early {
				c.send(tt.line)
				c.expect(150, tt.line)
				if strings.HasSuffix(tt.line, "new") {
					_, _ = io.WriteString(first, strings.Repeat("foreign ", 1<<13))
				}
			}
			wantReset(t, addr)
			if tt.early {
				wantEnd(t, first, "the first connection")
				c.send(tt.line)
			} else if _, err := io.Copy(io.Discard, first); tt.size > 10 && err == nil {
				t.Error("the first connection has ended without a reset")
			}
			if text := c.expect(tt.code, tt.line); !strings.Contains(text, addr[strings.LastIndex(addr, ":")+1:]) {
				t.Errorf("reply %q does not contain the port", text)
			}
			if tt.line != "LIST" {
				if x := s.transfer(); x.Err == nil || x.Outcome != live.Cut || !strings.Contains(x.Err.Error(), "from "+first.LocalAddr().String()+" and 127.0.0.1:") {
					t.Errorf("got %v, %v, want a cut and both connections", x.Outcome, x.Err)
				}
			}
			if got := s.names(); len(got) != 1 {
				t.Errorf("the tree has %q", got)
			}
			if got := c.get(pasv, "NLST"); got != "f\r\n" {
				t.Errorf("the next listing: %q", got)
			}
		})
	}
}

func TestASecondConnectionFailsATransferWithTLS(t *testing.T) {
	s := start(t, withTLS)
	s.sparse("f", 64<<20)
	c := s.secure(trust(tls.VersionTLS13))
	for _, handshake := range []bool{false, true} {
		data := c.begin("RETR f", c.config)
		if handshake {
			if err := data.Handshake(); err != nil {
				t.Fatal(err)
			}
		}
		wantReset(t, data.NetConn().RemoteAddr().String())
		if _, err := io.Copy(io.Discard, data); err == nil {
			t.Error("the first connection has ended without a reset")
		}
		c.expect(426, "RETR")
	}
}

func TestAConnectionAfterTheTransferIsResetAndFailsNothing(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.PassivePorts = freeRange(t, 1) })
	s.file("f", 10)
	c := s.guest()
	for range 3 {
		addr := c.passive(pasv)
		c.send("RETR f")
		data := c.connect(addr)
		c.expect(150, "RETR")
		readToEnd(t, data)
		_ = data.Close()
		c.expect(226, "RETR")
		wantReset(t, addr)
	}
}

// SECURITY.md has figures of this attack. Even if the thief is faster, the client never
// gets other bytes, or none, together with a success.
func TestAThiefOnAllPortsCannotReplaceTheClientsFile(t *testing.T) {
	ports := freeRange(t, 30)
	s := start(t, func(s *ftpd.Server) { s.PassivePorts = ports })
	const size = 1000
	s.file("f", size)
	stop := make(chan struct{})
	stopped := make(chan int)
	go func() {
		received := 0
		defer func() { stopped <- received }()
		for p := ports.First; ; p++ {
			select {
			case <-stop:
				return
			default:
			}
			if p > ports.Last {
				p = ports.First
			}
			conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(p))))
			if err != nil {
				continue
			}
			_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			if b, _ := io.ReadAll(conn); len(b) > 0 {
				received++
			}
			_ = conn.Close()
		}
	}()
	c := s.guest()
	got, failed := 0, 0
	for range 40 {
		conn, err := net.Dial("tcp", c.passive(epsv))
		if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) { // the thief was faster
			failed++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		c.own(conn)
		c.send("RETR f")
		code, text, err := c.reply()
		var b []byte
		if code == 150 {
			b, err = io.ReadAll(conn)
			_ = conn.Close()
			code, text, _ = c.reply()
		}
		_ = conn.Close()
		switch {
		case code == 226 && string(b) == pattern(0, size) && err == nil:
			got++
		case code == 226 && err == nil && len(b) > 0, os.IsTimeout(err), errors.Is(err, net.ErrClosed):
			t.Errorf("%q after %d bytes, %v", text, len(b), err)
		default:
			failed++
		}
	}
	close(stop)
	t.Logf("of 40 transfers the client got %d, the thief %d, and %d failed", got, <-stopped, failed)
	if got == 0 {
		t.Error("the client got nothing")
	}
}
