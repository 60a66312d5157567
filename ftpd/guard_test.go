package ftpd_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/vfs"
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
func (*bits) SetReadDeadline(time.Time) error  { return nil }
func (*bits) SetWriteDeadline(time.Time) error { return nil }
func (*bits) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 21} }
func (*bits) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000} }

func TestTheLibraryGetsWholeLines(t *testing.T) {
	s := tester(t)
	long := "CWD " + strings.Repeat("x", ftpd.MaxLine-6)
	for _, tt := range []struct {
		name, in, want string
	}{
		{"nothing", "", ""},
		{"a line", "PWD\r\n", "PWD\r\n"},
		{"a line without CR", "PWD\n", "PWD\r\n"},
		{"small letters", "cwd Ab\r\n", "CWD Ab\r\n"},
		{"two lines", "CWD a\r\nPWD\r\n", "CWD a\r\nPWD\r\n"},
		{"a line and a part of one", "PWD\r\nDELE victim", "PWD\r\n"},
		{"a part of a line", "DELE victim", ""},
		{"a line that lacks LF", "DELE victim\r", ""},
		{"the longest line", long + "\r\n", long + "\r\n"},
		{"a line that is too long, and another", long + "x\r\nPWD\r\n", "PWD\r\n"},
		{"a command in the tail of a line that is too long", strings.Repeat("x", ftpd.MaxLine) + "DELE f\r\n", ""},
		{"a line before one that is too long", "PWD\r\n" + long + "x\r\nCDUP\r\n", "PWD\r\nCDUP\r\n"},
		{"an unknown command", "XYZQUIT\r\nPWD\r\n", "PWD\r\n"},
		{"a missing argument", "DELE\r\nDELE \r\nPWD\r\n", "PWD\r\n"},
		{"an argument too much", "PWD x\r\nCDUP\r\n", "CDUP\r\n"},
		{"a NUL", "DELE victim\x00.txt\r\nPWD\r\n", "PWD\r\n"},
		{"a carriage return in a name", "DELE a\r\x00b\r\n", "DELE a\rb\r\n"},
		{"an escaped byte 255", "DELE a\xff\xffb\r\n", "DELE a\xffb\r\n"},
		{"a byte 255 of a name", "DELE \xffb\xff\r\n", "DELE \xffb\xff\r\n"},
		{"Telnet's Synch", "\xff\xf4\xff\xf2PWD\r\n", "PWD\r\n"},
		{"what is left of a Synch", "\xf2PWD\r\n", "PWD\r\n"},
		{"an option of Telnet", "\xff\xfd\x06PWD\r\n", "PWD\r\n"},
		{"HTTP", "GET / HTTP/1.1\r\nPWD\r\n", ""},
		{"HTTP after a command", "PWD\r\nGET / HTTP/1.1\r\nPWD\r\n", "PWD\r\nPWD\r\n"},
		{"SSH", "SSH-2.0-x\r\nPWD\r\n", ""},
		{"TLS", "\x16\x03\x01\nPWD\r\n", ""},
		{"nothing but errors", strings.Repeat("x\r\n", ftpd.MaxWrong) + "PWD\r\n", ""},
		{"errors and commands", strings.Repeat(strings.Repeat("x\r\n", ftpd.MaxWrong-1)+"PWD\r\n", 2), "PWD\r\nPWD\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 1000, 1 << 20} {
				for _, room := range []int{1, 16, 4096} {
					if got := readGuard(s, []byte(tt.in), size, room); string(got) != tt.want {
						t.Errorf("in pieces of %d: got %.40q, want %.40q", size, got, tt.want)
					}
				}
			}
		})
	}
}

// tester serves an empty directory to whom tests make up.
func tester(t testing.TB) *ftpd.Server {
	t.Helper()
	tree, err := vfs.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &ftpd.Server{FS: tree.Writable()}
	s.HurryForTest(time.Microsecond, 0, time.Millisecond)
	t.Cleanup(func() {
		_ = s.Close()
		_ = tree.Close()
	})
	return s
}

// readGuard reads all that the library would get, room bytes at once, and
// refuses it.
func readGuard(s *ftpd.Server, in []byte, size, room int) []byte {
	g := ftpd.NewGuardForTest(s, &bits{in: in, size: size})
	defer g.Close()
	var got []byte
	p := make([]byte, room)
	answered := 0
	for {
		n, err := g.Read(p)
		got = append(got, p[:n]...)
		if err != nil {
			return got
		}
		for line := range bytes.Lines(got[answered:]) {
			if line[len(line)-1] == '\n' {
				answered += len(line)
				_, _ = io.WriteString(g, "550 No\r\n")
			}
		}
	}
}

// forTheLibrary is a line that the library may get: a command that it knows
// and that takes what follows.
var forTheLibrary = regexp.MustCompile(`^(CWD|XCWD|MKD|XMKD|RMD|XRMD|DELE|RNFR|RNTO) [^\x00\n]*[^\x00\n ][^\x00\n]*\r\n$|` +
	`^(PWD|XPWD|CDUP|QUIT|PASS)\r\n$`)

func FuzzGuard(f *testing.F) {
	f.Add([]byte("USER u\r\nPASS x\r\nDELE victim"), 3, 5)
	f.Add([]byte("\n\n\r\n\x00\xff\xf4ABOR\r\n"), 1, 1)
	f.Add(bytes.Repeat([]byte("x"), 5000), 4096, 100)
	f.Add([]byte("dele a\r\x00\xff\xff\xff\xfb\x01b\r\nRETR f\r\nEPSV ALL\r\nPORT 127,0,0,1,200,200\r\n"), 7, 3)
	f.Add([]byte("SITE CHMOD 777 f\r\nSTAT\r\nHELP SITE\r\nFEAT\r\nREIN\r\nQUIT\r\n"), 2, 9)
	f.Add([]byte("PASV\r\nRETR f\r\nSTOR f\r\nEPSV\r\nLIST -a\r\nREST 1\r\nRNFR a\r\nRNTO b\r\nOPTS MLST size;\r\nMLST\r\n"), 2, 9)
	f.Add([]byte("SIZE f\r\nMDTM f\r\nMFF modify=20200101000000; f\r\nRANG 1 2\r\nHASH f\r\nXCRC f 1 2\r\nABOR\r\nNOOP\r\n"), 2, 9)
	s := tester(f)
	// What is held when the client leaves is not run.
	long := regexp.MustCompile(`(?i)HASH|XCRC|MD5|XSHA|RETR|STOR|STOU|APPE|LIST|NLST|MLSD`)
	f.Fuzz(func(t *testing.T, in []byte, size, room int) {
		size, room = 1+abs(size)%5000, 1+abs(room)%5000
		got := readGuard(s, in, size, room)
		for line := range bytes.Lines(got) {
			if !forTheLibrary.Match(line) {
				t.Fatalf("the library gets %q", line)
			}
		}
		if long.Match(in) {
			return
		}
		if whole := readGuard(s, in, 1<<20, 4096); !bytes.Equal(got, whole) {
			t.Fatalf("in pieces of %d the library gets %q, in one %q", size, got, whole)
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

func TestRepliesOfTheLibrary(t *testing.T) {
	s := tester(t)
	for _, tt := range []struct {
		name, in, want string
	}{
		{"one line", "220 Hi\r\n", "220 Hi\r\n"},
		{"no text", "226 \r\n", "226 \r\n"},
		{"two lines", "220-Hi\r\n220 there\r\n", "220-Hi\r\n220 there\r\n"},
		{"lines without a code", "250-File\r\n a\r\nb\r\n250 End\r\n", "250-File\r\n a\r\n b\r\n250 End\r\n"},
		{"a line with the code of another reply", "250-File\r\n226 a\r\n250 End\r\n", "250-File\r\n 226 a\r\n250 End\r\n"},
		{"control characters", "550 a\x1b\rb\r\n", "550 A??b\r\n"},
		{"a part of one", "220 Hi\r", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.in); size++ {
				b := new(bits)
				g := ftpd.NewGuardForTest(s, b)
				for piece := range slices.Chunk([]byte(tt.in), size) {
					if n, err := g.Write(piece); n != len(piece) || err != nil {
						t.Fatalf("Write = %d, %v", n, err)
					}
				}
				if got := b.out.String(); got != tt.want {
					t.Errorf("in pieces of %d: got %q, want %q", size, got, tt.want)
				}
			}
		})
	}
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

func TestLineThatIsTooLongIsNoCommand(t *testing.T) {
	s := start(t, nil)
	s.file("f", 1)
	c := s.login()
	c.send("CWD " + strings.Repeat("x", ftpd.MaxLine) + strings.Repeat("DELE f ", 1000))
	c.expect(500, "long line")
	c.want(213, "SIZE f")
}
