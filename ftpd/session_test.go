package ftpd_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/vfs"
)

// pieceConn is a connection that returns its input in pieces and records its output.
type pieceConn struct {
	net.Conn // nil: other methods are not called
	in       []byte
	size     int // of a piece
	out      bytes.Buffer
}

func (b *pieceConn) Read(p []byte) (int, error) {
	if len(b.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.in[:min(b.size, len(b.in))])
	b.in = b.in[n:]
	return n, nil
}
func (b *pieceConn) Write(p []byte) (int, error)    { return b.out.Write(p) }
func (*pieceConn) Close() error                     { return nil }
func (*pieceConn) SetReadDeadline(time.Time) error  { return nil }
func (*pieceConn) SetWriteDeadline(time.Time) error { return nil }
func (*pieceConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 21} }
func (*pieceConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000} }

func TestRepliesDoNotDependOnHowCommandsAreSplit(t *testing.T) {
	s := testServer(t)
	tooLong := strings.Repeat("x", ftpd.MaxLine) + "\r\n"
	for _, tt := range []struct {
		name, in string
		want     string // the codes of the replies
	}{
		{"nothing", "", ""},
		{"small letters", "cwd /\r\n", "250"},
		{"two lines", "CWD /\r\nPWD\r\n", "250 257"},
		{"a line and a part of one", "PWD\r\nPWD", "257"},
		{"an unknown command", "XYZQUIT\r\nPWD\r\n", "500 257"},
		{"a line that is too long", tooLong + "PWD\r\n", "500 257"},
		{"a missing argument", "DELE\r\nDELE \r\nPWD\r\n", "501 501 257"},
		{"a needless argument", "PWD x\r\nCDUP\r\n", "257 250"},
		{"a missing argument", "SIZE\r\nCDUP\r\n", "501 250"},
		{"a NUL", "DELE victim\x00.txt\r\nPWD\r\n", "501 257"},
		{"HTTP", "GET / HTTP/1.1\r\nPWD\r\n", "421"},
		{"HTTP after a command", "PWD\r\nGET / HTTP/1.1\r\nPWD\r\n", "257 500 257"},
		{"TLS", "\x16\x03\x01\nPWD\r\n", ""},
		{"nothing but errors", strings.Repeat("x\r\n", ftpd.MaxSyntaxErrors) + "PWD\r\n", strings.Repeat("500 ", ftpd.MaxSyntaxErrors) + "421"},
		{"errors and commands", strings.Repeat(strings.Repeat("x\r\n", ftpd.MaxSyntaxErrors-1)+"PWD\r\n", 2),
			strings.Repeat(strings.Repeat("500 ", ftpd.MaxSyntaxErrors-1)+"257 ", 2)},
		{"RNTO right after RNFR", "RNFR /\r\nRNTO a\r\n", "350 550"},
		{"RNTO after RNFR and another command", "RNFR /\r\nNOOP\r\nRNTO a\r\n", "350 200 503"},
		{"RNTO after RNFR and an error", "RNFR /\r\nx\r\nRNTO a\r\n", "350 500 550"},
		{"RNTO after an RNFR that was refused", "RNFR nothing\r\nRNTO a\r\n", "550 503"},
		{"RNTO twice", "RNFR /\r\nRNTO a\r\nRNTO a\r\n", "350 550 503"},
		{"a command behind QUIT", "QUIT\r\nPWD\r\n", "221"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 1000, 1 << 20} {
				var codes []string
				for reply := range bytes.Lines(transcript(s, []byte(tt.in), size)) {
					codes = append(codes, string(reply[:3]))
				}
				if got, want := strings.Join(codes, " "), strings.TrimSpace("220 "+tt.want); got != want {
					t.Errorf("in pieces of %d: got %q, want %q", size, got, want)
				}
			}
		})
	}
}

// testServer returns a server for an empty directory. It does not listen.
func testServer(t testing.TB) *ftpd.Server {
	t.Helper()
	tree, err := vfs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &ftpd.Server{FS: tree.Writable()}
	s.ShortenDelaysForTest(time.Microsecond, 0, time.Millisecond)
	t.Cleanup(func() {
		_ = s.Close()
		_ = tree.Close()
	})
	return s
}

// transcript returns the replies to an anonymous client that sends in, in pieces of size
// bytes, and then closes the connection.
func transcript(s *ftpd.Server, in []byte, size int) []byte {
	b := &pieceConn{in: in, size: size}
	ftpd.ServeForTest(s, b)
	return b.out.Bytes()
}

func FuzzSession(f *testing.F) {
	f.Add([]byte("USER u\r\nPASS x\r\nDELE victim"), 3)
	f.Add([]byte("\n\n\r\n\x00\xff\xf4ABOR\r\n"), 1)
	f.Add(bytes.Repeat([]byte("x"), 5000), 4096)
	f.Add([]byte("dele a\r\x00\xff\xff\xff\xfb\x01b\r\nRETR f\r\nEPSV ALL\r\nPORT 127,0,0,1,200,200\r\n"), 7)
	f.Add([]byte("SITE CHMOD 777 f\r\nHELP SITE\r\nFEAT\r\nREIN\r\nQUIT\r\n"), 2)
	f.Add([]byte("RETR f\r\nSTOR f\r\nLIST -a\r\nREST 1\r\nRNFR a\r\nRNTO b\r\nOPTS MLST size;\r\nMLST\r\n"), 2)
	f.Add([]byte("SIZE f\r\nMDTM f\r\nMFF modify=20200101000000; f\r\nRANG 1 2\r\nABOR\r\nNOOP\r\n"), 2)
	s := testServer(f)
	s.ShortenBanForTest(time.Nanosecond) // wrong passwords of one input must not ban the next one
	// The replies to these vary: they contain times or ports, or other replies may come earlier or later.
	varies := regexp.MustCompile(`(?i)HASH|XCRC|MD5|XSHA|STAT|WHO|PASV|EPSV|AVBL`)
	line := regexp.MustCompile(`^(\d\d\d[ -]| )[^\r\n]*\r\n$`)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		got := transcript(s, in, 1+int(uint(size)%5000))
		for reply := range bytes.Lines(got) {
			if !line.Match(reply) {
				t.Fatalf("the client gets %q", reply)
			}
		}
		if varies.Match(in) {
			return
		}
		if whole := transcript(s, in, 1<<20); !bytes.Equal(got, whole) {
			t.Fatalf("in pieces of %d the client gets %q, in one %q", size, got, whole)
		}
	})
}

// ftpserverlib runs an incomplete line when the connection ends (facts/ftp.md, 4, number
// 2).
func TestACommandThatIsCutOffDoesNotRun(t *testing.T) {
	s := start(t, nil)
	s.file("victim", 10)
	s.file("victim-old", 10)
	c := s.login()
	if _, err := c.conn.Write([]byte("DELE victim")); err != nil {
		t.Fatal(err)
	}
	_ = c.conn.CloseWrite()
	next(t, s.disconnects)
	if _, err := os.Stat(filepath.Join(s.dir, "victim")); err != nil {
		t.Error(err)
	}
}

func TestALineThatIsTooLongDoesNotRun(t *testing.T) {
	s := start(t, nil)
	s.file("f", 1)
	c := s.login()
	c.send("CWD " + strings.Repeat("x", ftpd.MaxLine) + strings.Repeat("DELE f ", 1000))
	c.expect(500, "long line")
	c.want(213, "SIZE f")
}
