package ftpd_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"sluice/ftpd"
)

// refused has commands with a data connection that anonymous users cannot run.
var refused = []struct {
	code int
	line string
}{
	{550, "RETR none"}, {550, "STOR new"}, {550, "APPE new"}, {550, "STOU"}, {550, "LIST none"}, {550, "NLST none"}, {550, "MLSD none"}, {501, "RETR"},
}

// wantEnd checks that the server ends a data connection without a byte.
func wantEnd(t *testing.T, data net.Conn, what string) {
	t.Helper()
	if n, err := data.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("%s: read %d bytes, %v, want the end", what, n, err)
	}
}

// F11: clients of FTPS waited in the handshake of a data connection that was not needed.
func TestARefusalEndsTheDataConnection(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.guest()
	for _, tt := range refused {
		data := c.connect(c.passive(pasv))
		c.want(tt.code, tt.line)
		wantEnd(t, data, tt.line)
		c.want(425, "RETR f")
	}
}

func TestARefusalForLackOfTLSEndsTheDataConnection(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { withTLS(s); s.TLS = ftpd.TLSRequired })
	c := s.dial().auth(trust(0))
	c.want(331, "USER u")
	c.want(230, "PASS secret")
	text := c.want(229, "EPSV")
	data := c.connect(net.JoinHostPort("127.0.0.1", digits.FindAllString(text, -1)[1]))
	c.want(522, "LIST")
	wantEnd(t, data, "LIST")
}

func TestADataConnectionAfterARefusalIsNotUsed(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.guest()
	for _, tt := range refused {
		addr := c.passive(epsv)
		c.want(tt.code, tt.line)
		data, err := net.Dial("tcp", addr)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
			continue
		case err != nil:
			t.Fatal(err)
		}
		c.own(data)
		wantEnd(t, data, tt.line)
	}
}

func TestRefusalsOfOtherCommandsKeepTheDataConnection(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.guest()
	for _, m := range []mode{pasv, epsv} {
		data := c.connect(c.passive(m))
		c.want(550, "MKD d")
		c.want(550, "SIZE none")
		c.want(550, "HASH none")
		c.want(500, "NONE")
		c.send("RETR f")
		c.expect(150, "RETR")
		if b, err := io.ReadAll(data); len(b) != 10 || err != nil {
			t.Errorf("got %d bytes, %v", len(b), err)
		}
		_ = data.Close()
		c.expect(226, "RETR")
	}
}

// A connection that is in the kernel's queue when the command is refused must not become
// the data connection of the next command.
func TestTheDataConnectionOfARefusedCommandIsNotUsedByTheNext(t *testing.T) {
	for _, ports := range []uint16{1, 3} {
		s := start(t, func(s *ftpd.Server) { s.PassivePorts = freeRange(t, int(ports)) })
		s.file("f", 10)
		c := s.guest()
		for range 40 {
			stray := c.connect(c.passive(epsv))
			c.want(550, "RETR none")
			if got := len(c.get(epsv, "RETR f")); got != 10 {
				t.Fatalf("got %d bytes", got)
			}
			wantEnd(t, stray, "RETR none")
			_ = stray.Close()
		}
	}
}
