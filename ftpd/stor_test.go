package ftpd_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/internal/partial"
	"sluice/sendfile"
)

// pattern returns n bytes of the pattern from off on.
func pattern(off, n int64) string {
	p := make([]byte, n)
	nettest.PatternAt(p, off)
	return string(p)
}

func TestStorInEveryMode(t *testing.T) {
	const size = 3<<20 + 7
	for _, tt := range dataModes {
		t.Run(tt.name, func(t *testing.T) {
			s := startOn(t, tt.host, nil)
			s.login().put(tt.mode, "STOR f", nettest.Pattern(size))
			if s.content("f") != pattern(0, size) {
				t.Error("the file has other bytes than were sent")
			}
			x := s.transfer()
			if x.Op != ftpd.Store || x.Path != "/f" || x.User != "u" || x.Sent != size || x.Err != nil || x.Method == sendfile.Auto {
				t.Errorf("got %+v", x)
			}
			if got := s.names(); !slices.Equal(got, []string{"f"}) {
				t.Errorf("the tree has %q", got)
			}
		})
	}
}

// The engine must reach the descriptors of the connection and the file.
func TestStorUsesTheForcedMethod(t *testing.T) {
	const size = 3 << 20
	for _, m := range []mode{pasv, port} {
		for _, method := range []sendfile.Method{sendfile.Copy, sendfile.Splice} {
			t.Run(string(m)+" by "+method.String(), func(t *testing.T) {
				if method == sendfile.Splice && !hasSendfile {
					t.Skip("no splice on this system")
				}
				s := start(t, func(s *ftpd.Server) { s.Method = method })
				s.login().put(m, "STOR f", nettest.Pattern(size))
				x := s.transfer()
				if x.Method != method || x.Sent != size || (x.ZeroCopied == size) != (method == sendfile.Splice) {
					t.Errorf("sent %d by %v, %d zero-copied", x.Sent, x.Method, x.ZeroCopied)
				}
			})
		}
	}
}

func TestUploadsAtAnOffset(t *testing.T) {
	for _, tt := range []struct {
		name   string
		old    string // content before; "-": no file
		rest   int64
		line   string
		data   string
		want   string
		offset int64 // in the record
	}{
		{"STOR makes a file", "-", 0, "STOR f", "new", "new", 0},
		{"STOR makes an empty file", "-", 0, "STOR f", "", "", 0},
		{"STOR replaces a longer file", "old and long", 0, "STOR f", "new", "new", 0},
		{"STOR of nothing empties a file", "old", 0, "STOR f", "", "", 0},
		{"APPE makes a file", "-", 0, "APPE f", "new", "new", 0},
		{"APPE appends", "old", 0, "APPE f", "new", "oldnew", 3},
		{"APPE ignores REST", "old", 1, "APPE f", "new", "oldnew", 3},
		{"REST and STOR append at the end", "old", 3, "STOR f", "new", "oldnew", 3},
		{"REST and STOR overwrite", "0123456789", 2, "STOR f", "abc", "01abc56789", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			if tt.old != "-" {
				if err := os.WriteFile(filepath.Join(s.dir, "f"), []byte(tt.old), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			c := s.login()
			if tt.rest != 0 {
				c.want(350, fmt.Sprint("REST ", tt.rest))
			}
			c.put(pasv, tt.line, strings.NewReader(tt.data))
			if got := s.content("f"); got != tt.want {
				t.Errorf("content = %q, want %q", got, tt.want)
			}
			if x := s.transfer(); x.Offset != tt.offset || x.Sent != int64(len(tt.data)) || x.Err != nil {
				t.Errorf("got %+v", x)
			}
			if got := s.names(); len(got) != 1 {
				t.Errorf("the tree has %q", got)
			}
		})
	}
}

func TestUploadsRefused(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	if err := os.Mkdir(filepath.Join(s.dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	makeFIFO(t, filepath.Join(s.dir, "fifo"))
	if err := os.Symlink("/etc/hostname", filepath.Join(s.dir, "out")); err != nil {
		t.Fatal(err)
	}
	c := s.login()
	for _, tt := range []struct {
		name string
		rest int64
		line string
		code int
	}{
		{"a directory", 0, "STOR d", 550},
		{"the root", 0, "STOR /", 550},
		{"a FIFO", 0, "STOR fifo", 550},
		{"a link out of the tree", 0, "STOR out", 550},
		{"a directory that is missing", 0, "STOR x/f", 550},
		{"a name that is too long", 0, "STOR " + strings.Repeat("n", 256), 550},
		{"a hidden name of an upload", 0, "STOR .f.123.sluice-part", 553},
		{"to append to a directory", 0, "APPE d", 550},
		{"to append to a FIFO", 0, "APPE fifo", 550},
		{"an offset beyond the end", 11, "STOR f", 550},
		{"an offset in a missing file", 1, "STOR g", 550},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rest != 0 {
				c.want(350, fmt.Sprint("REST ", tt.rest))
			}
			c.passive(pasv)
			if text := c.want(tt.code, tt.line); strings.Contains(text, s.dir) || strings.Contains(text, "sluice-part:") {
				t.Errorf("reply %q contains the host's path or a hidden name", text)
			}
			if x := s.transfer(); x.Err == nil {
				t.Error("reported as a success")
			}
		})
	}
	if got := s.names(); len(got) != 4 || s.content("f") != pattern(0, 10) {
		t.Errorf("the tree has %q", got)
	}
}

func TestStorWithTheLongestName(t *testing.T) {
	s := start(t, nil)
	name := strings.Repeat("ü", 127) + "x"
	s.login().put(pasv, "STOR "+name, strings.NewReader("data"))
	if got := s.content(name); got != "data" {
		t.Errorf("content = %q", got)
	}
}

// beginUpload sends some bytes of an upload and waits until a file has at least that
// size.
func (s *server) beginUpload(c *client, line, some string, size int64) io.WriteCloser {
	s.t.Helper()
	conn := c.data(pasv, line)
	// some must be longer than a buffer of package sendfile, which writes full ones.
	if _, err := io.WriteString(conn, some); err != nil {
		s.t.Fatal(err)
	}
	waitFor(s.t, "the bytes to arrive", func() bool {
		for _, name := range s.names() {
			if info, err := os.Stat(filepath.Join(s.dir, name)); err == nil && info.Size() >= size {
				return true
			}
		}
		return false
	})
	return conn
}

// waitFor polls until ok returns true, for changes that send no event.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for", what)
		}
	}
}

func TestStorThatBreaksOffLeavesTheOldFile(t *testing.T) {
	some := pattern(0, 600_000)
	for _, tt := range []struct {
		name    string
		stall   time.Duration
		breakUp func(s *server, c *client, conn io.WriteCloser)
	}{
		{"when the client resets the data connection", 0, func(s *server, c *client, conn io.WriteCloser) {
			reset(s.t, conn)
			c.expect(426, "STOR")
		}},
		{"when the client aborts", 0, func(s *server, c *client, _ io.WriteCloser) {
			c.want(426, "ABOR")
			c.expect(226, "ABOR")
		}},
		{"when the client stalls", 100 * time.Millisecond, func(s *server, c *client, _ io.WriteCloser) {
			c.expect(426, "STOR")
		}},
		{"when the control connection is reset", 0, func(s *server, c *client, _ io.WriteCloser) {
			nettest.Reset(s.t, c.conn)
		}},
		{"when the control connection ends", 0, func(s *server, c *client, _ io.WriteCloser) {
			_ = c.conn.Close()
		}},
		{"when the client is killed", 0, func(s *server, c *client, conn io.WriteCloser) {
			_ = c.conn.Close()
			_ = conn.Close()
		}},
		{"when the server is closed", 0, func(s *server, c *client, _ io.WriteCloser) {
			_ = s.Close()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, old := range []string{"", "old"} {
				s := start(t, func(s *ftpd.Server) { s.StallTimeout, s.KeepPartials = tt.stall, -1 })
				if old != "" {
					s.file(old, 10)
				}
				before := s.names()
				c := s.login()
				conn := s.beginUpload(c, "STOR old", some, 256<<10)
				tt.breakUp(s, c, conn)
				if x := s.transfer(); x.Err == nil {
					t.Error("reported as a success")
				}
				if got := s.names(); !slices.Equal(got, before) {
					t.Errorf("the tree has %q, want %q", got, before)
				}
				if old != "" && s.content(old) != pattern(0, 10) {
					t.Error("the old file has changed")
				}
			}
		})
	}
}

// reset closes conn with an RST.
func reset(t *testing.T, conn io.Closer) {
	t.Helper()
	nettest.Reset(t, conn.(*net.TCPConn))
}

func TestAppendThatBreaksOffKeepsWhatArrived(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.login()
	conn := s.beginUpload(c, "APPE f", pattern(10, 600_000), 10+256<<10)
	reset(t, conn)
	c.expect(426, "APPE")
	got := s.content("f")
	if int64(len(got)) < 256<<10 || got != pattern(0, int64(len(got))) {
		t.Errorf("%d bytes, not the beginning of the file", len(got))
	}
	x := s.transfer()
	if x.Offset != 10 || x.Offset+x.Sent != int64(len(got)) || x.Err == nil {
		t.Errorf("got %+v", x)
	}
	// The client can resume.
	c.want(350, fmt.Sprint("REST ", len(got)))
	c.put(pasv, "STOR f", strings.NewReader(pattern(int64(len(got)), 1000)))
	if s.content("f") != pattern(0, int64(len(got))+1000) {
		t.Error("the file is not whole")
	}
}

func TestAnUploadIsInvisibleUntilItIsComplete(t *testing.T) {
	s := start(t, nil)
	c, other := s.login(), s.login()
	conn := s.beginUpload(c, "STOR f", pattern(0, 600_000), 256<<10)
	for _, cmd := range []string{"LIST -a", "NLST", "MLSD"} {
		if got := other.get(pasv, cmd); strings.Contains(got, "f.") {
			t.Errorf("%s: %q", cmd, got)
		}
	}
	other.want(550, "SIZE f")
	hidden := s.names()[0]
	if !partial.Is(hidden) {
		t.Fatalf("the tree has %q", hidden)
	}
	for _, line := range []string{"SIZE " + hidden, "MLST " + hidden, "DELE " + hidden, "RNFR " + hidden, "RETR " + hidden, "HASH " + hidden, "XMD5 " + hidden} {
		other.passive(pasv)
		other.want(550, line)
	}
	for _, line := range []string{"STOR " + hidden, "APPE " + hidden} {
		other.passive(pasv)
		other.want(553, line)
	}
	_ = conn.Close()
	c.expect(226, "STOR")
	if s.content("f") != pattern(0, 600_000) {
		t.Error("the file has other bytes than were sent")
	}
}

func TestTwoUploadsOfOneNameDoNotMix(t *testing.T) {
	s := start(t, nil)
	const n = 1 << 20
	texts := []string{strings.Repeat("a", n), strings.Repeat("b", n)}
	var clients [2]*client
	var conns [2]io.WriteCloser
	for i := range clients {
		clients[i] = s.login()
		conns[i] = clients[i].data(pasv, "STOR f")
	}
	for off := 0; off < n; off += 64 << 10 { // in turn
		for i, conn := range conns {
			if _, err := io.WriteString(conn, texts[i][off:off+64<<10]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, conn := range conns {
		_ = conn.Close()
		clients[i].expect(226, "STOR")
	}
	if got := s.content("f"); got != texts[1] { // that of the upload that ended last
		t.Errorf("got %d bytes that begin with %.5q", len(got), got)
	}
}

func TestTwoUniqueUploadsAtOnceAreTwoFiles(t *testing.T) {
	s := start(t, nil)
	c, other := s.login(), s.login()
	one, two := c.data(pasv, "STOU"), other.data(pasv, "STOU")
	_, _ = one.Write([]byte("one"))
	_, _ = two.Write([]byte("two"))
	_ = one.Close()
	c.expect(226, "STOU")
	_ = two.Close()
	other.expect(226, "STOU")
	var got []string
	for _, name := range s.names() {
		got = append(got, s.content(name))
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the files have %q, want one and two", got)
	}
}

func TestTwoUploadsAtTheEndOfOneFileAreRefused(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	if err := os.Link(filepath.Join(s.dir, "f"), filepath.Join(s.dir, "g")); err != nil {
		t.Fatal(err)
	}
	c, other := s.login(), s.login()
	conn := c.data(pasv, "APPE f")
	other.passive(pasv)
	other.want(450, "APPE f")
	other.passive(pasv)
	other.want(450, "APPE g")
	other.want(350, "REST 10")
	other.passive(pasv)
	other.want(450, "STOR f")
	_ = conn.Close()
	c.expect(226, "APPE")
	other.put(pasv, "APPE g", strings.NewReader("!"))
	if got := s.content("f"); got != pattern(0, 10)+"!" {
		t.Errorf("content = %q", got)
	}
}

func TestAppendToAFileThatIsRemovedFails(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be removed on this system")
	}
	s := start(t, nil)
	for _, tt := range []struct {
		name string
		code int
		do   func(other *client)
	}{
		{"replaced", 451, func(other *client) { other.put(pasv, "STOR f", strings.NewReader("new")) }},
		{"removed", 451, func(other *client) { other.want(250, "DELE f") }},
		{"renamed", 226, func(other *client) { // the file has another name, but gets the bytes
			other.want(350, "RNFR f")
			other.want(250, "RNTO g")
		}},
	} {
		s.file("f", 10)
		c := s.login()
		conn := c.data(pasv, "APPE f")
		_, _ = conn.Write([]byte("lost?"))
		tt.do(s.login())
		_ = conn.Close()
		c.expect(tt.code, "APPE to a file that was "+tt.name)
	}
	if got := s.content("g"); got != pattern(0, 10)+"lost?" {
		t.Errorf("the renamed file has %q", got)
	}
}

func TestStorKeepsTheModeOfTheOldFile(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	path := filepath.Join(s.dir, "f")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	c := s.login()
	c.put(pasv, "STOR f", bytes.NewReader(nil))
	c.put(pasv, "STOR new", bytes.NewReader(nil))
	for name, want := range map[string]fs.FileMode{"f": 0o600, "new": 0o644} {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got&^want != 0 || name == "f" && got != want {
			t.Errorf("%s: mode %v, want %v", name, got, want)
		}
	}
}

func TestUploadWithoutADataConnectionLeavesNothing(t *testing.T) {
	s := start(t, func(s *ftpd.Server) { s.ShortenDelaysForTest(0, 0, 50*time.Millisecond) })
	s.file("f", 10)
	c := s.login()
	c.want(425, "STOR f") // neither PASV nor PORT
	c.passive(pasv)
	c.want(425, "STOR f") // the client does not connect
	if x := s.transfer(); x.Err == nil || x.Sent != 0 {
		t.Errorf("got %+v", x)
	}
	if got := s.names(); len(got) != 1 || s.content("f") != pattern(0, 10) {
		t.Errorf("the tree has %q", got)
	}
	c.want(200, "NOOP")
}
