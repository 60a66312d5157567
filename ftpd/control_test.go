package ftpd_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
)

// bits is a connection that gives its input in pieces and takes any output.
type bits struct {
	net.Conn // nil: what is not below is not called
	in       []byte
	size     int // of a piece
	out      bytes.Buffer
}

func (b *bits) Read(p []byte) (int, error) {
	if len(b.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.in[:min(b.size, len(b.in))])
	b.in = b.in[n:]
	return n, nil
}
func (b *bits) Write(p []byte) (int, error)    { return b.out.Write(p) }
func (*bits) Close() error                     { return nil }
func (*bits) SetWriteDeadline(time.Time) error { return nil }

func TestControlDeliversWholeLines(t *testing.T) {
	long := strings.Repeat("x", ftpd.MaxLine-2)
	for _, tt := range []struct {
		name, in, want string
	}{
		{"nothing", "", ""},
		{"a line", "NOOP\r\n", "NOOP\r\n"},
		{"a line without CR", "NOOP\n", "NOOP\n"},
		{"two lines", "USER u\r\nPASS x\r\n", "USER u\r\nPASS x\r\n"},
		{"a line and a part of one", "NOOP\r\nDELE victim", "NOOP\r\n"},
		{"a part of a line", "DELE victim", ""},
		{"a line that lacks LF", "DELE victim\r", ""},
		{"the longest line", long + "\r\n", long + "\r\n"},
		{"a line that is too long", long + "x\r\nNOOP\r\n", ""},
		{"a line before one that is too long", "NOOP\r\n" + long + "x\r\nDELE f\r\n", "NOOP\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 1000, 1 << 20} {
				for _, room := range []int{1, 16, 4096} {
					got := readControl([]byte(tt.in), size, room)
					if string(got) != tt.want {
						t.Errorf("in pieces of %d: got %.40q, want %.40q", size, got, tt.want)
					}
				}
			}
		})
	}
}

// readControl reads all that the library would get, room bytes at once.
func readControl(in []byte, size, room int) []byte {
	c := ftpd.NewControlForTest(&bits{in: in, size: size})
	var got []byte
	p := make([]byte, room)
	for {
		n, err := c.Read(p)
		got = append(got, p[:n]...)
		if err != nil {
			return got
		}
	}
}

func FuzzControl(f *testing.F) {
	f.Add([]byte("USER u\r\nPASS x\r\nDELE victim"), 3, 5)
	f.Add([]byte("\n\n\r\n\x00\xff\xf4ABOR\r\n"), 1, 1)
	f.Add(bytes.Repeat([]byte("x"), 5000), 4096, 100)
	f.Fuzz(func(t *testing.T, in []byte, size, room int) {
		size, room = 1+abs(size)%5000, 1+abs(room)%5000
		got := readControl(in, size, room)
		if !bytes.HasPrefix(in, got) {
			t.Fatalf("got %q of %q", got, in)
		}
		if len(got) > 0 && got[len(got)-1] != '\n' {
			t.Fatalf("got part of a line: %q", got)
		}
		// Whatever is not delivered is not a line, or comes after one that is
		// too long.
		if rest := in[len(got):]; bytes.IndexByte(rest, '\n') >= 0 && bytes.IndexByte(rest, '\n') < ftpd.MaxLine {
			t.Fatalf("a line is lost: %q", rest)
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

func TestParseReply(t *testing.T) {
	for _, tt := range []struct {
		line string
		code int
		ok   bool
	}{
		{"226 Closing\r\n", 226, true},
		{"226 \r\n", 226, true},
		{"226-These\r\n", 0, false},
		{" 226 no\r\n", 0, false},
		{"22 no\r\n", 0, false},
		{"2x6 no\r\n", 0, false},
		{"226", 0, false},
		{"", 0, false},
	} {
		if code, ok := ftpd.ParseReply([]byte(tt.line)); code != tt.code || ok != tt.ok {
			t.Errorf("ParseReply(%q) = %d, %v, want %d, %v", tt.line, code, ok, tt.code, tt.ok)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\r\nb\x00\x1b\x7fü\xff")
	f.Fuzz(func(t *testing.T, name string) {
		got := ftpd.Printable(name)
		if len(got) != len(name) || strings.ContainsAny(got, "\r\n\x00\x1b\x7f") {
			t.Errorf("Printable(%q) = %q", name, got)
		}
	})
}

// ftpserverlib runs what it has of a line when the connection ends
// (facts/ftp.md, 4, number 2).
func TestCommandThatIsCutOffIsNotAnotherCommand(t *testing.T) {
	s := start(t, nil)
	s.file("victim", 10)
	s.file("victim-old", 10)
	c := s.login()
	if _, err := c.conn.Write([]byte("DELE victim")); err != nil {
		t.Fatal(err)
	}
	_ = c.conn.CloseWrite()
	next(t, s.leavings)
	if _, err := os.Stat(filepath.Join(s.dir, "victim")); err != nil {
		t.Error(err)
	}
}

func TestLineThatIsTooLongEndsTheSession(t *testing.T) {
	s := start(t, nil)
	s.file("f", 1)
	c := s.login()
	c.send("STAT " + strings.Repeat("x", ftpd.MaxLine-10) + "\r\nNOOP") // fits
	for range 2 {
		if _, _, err := c.reply(); err != nil {
			t.Fatal(err)
		}
	}
	c.send("STAT " + strings.Repeat("x", ftpd.MaxLine))
	c.expect(500, "long line")
	c.end()
	if x := next(t, s.leavings); x.Err == nil || errors.Is(x.Err, io.EOF) {
		t.Errorf("told %v", x.Err)
	}
}
