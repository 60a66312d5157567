package ftpd_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/internal/partial"
	"sluice/sendfile"
)

// bigFile is larger than the socket buffers.
var bigFile = sync.OnceValue(func() []byte { return []byte(pattern(0, 24<<20)) })

// transferEnds has the ways in which a transfer of a file ends.
var transferEnds = []struct {
	name    string
	failed  bool
	uploads bool // for uploads only
	end     func(s *server, c *client, line string)
}{
	{"when it is complete", false, false, func(s *server, c *client, line string) {
		if strings.HasPrefix(line, "RETR") {
			c.get(epsv, line)
			return
		}
		c.put(epsv, line, strings.NewReader("some"))
	}},
	{"when it is empty", false, true, func(s *server, c *client, line string) { c.put(epsv, line, strings.NewReader("")) }},
	{"when the data connection is reset", true, false, func(s *server, c *client, line string) {
		conn := c.data(epsv, line)
		waitForFirstBytes(s.t, conn, line)
		nettest.Reset(s.t, conn)
		c.expect(426, line)
	}},
	{"when the client aborts", true, false, func(s *server, c *client, line string) {
		waitForFirstBytes(s.t, c.data(epsv, line), line)
		c.want(426, "ABOR")
		c.expect(226, "ABOR")
	}},
	{"when the control connection is lost", true, false, func(s *server, c *client, line string) {
		waitForFirstBytes(s.t, c.data(epsv, line), line)
		nettest.Reset(s.t, c.conn)
	}},
	{"when the client disconnects", true, false, func(s *server, c *client, line string) {
		waitForFirstBytes(s.t, c.data(epsv, line), line)
		_ = c.conn.Close()
	}},
	{"when the server closes", true, false, func(s *server, c *client, line string) {
		waitForFirstBytes(s.t, c.data(epsv, line), line)
		_ = s.Close()
	}},
	{"when the server cannot connect to the client", true, false, func(s *server, c *client, line string) {
		n := openPort(s.t, "127.0.0.1:0")
		c.want(200, fmt.Sprintf("EPRT |1|127.0.0.1|%d|", n))
		c.want(425, line)
	}},
}

// waitForFirstBytes waits for the first bytes of a transfer.
func waitForFirstBytes(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	var err error
	if strings.HasPrefix(line, "RETR") {
		_, err = io.ReadFull(conn, make([]byte, 1000))
	} else {
		_, err = io.WriteString(conn, pattern(0, 1000))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// handles is a driver with GetHandle. It records the calls of GetHandle and of some
// methods of its files. It fails the test if files are opened in another way, or if names
// of unfinished uploads are used.
type handles struct {
	afero.Fs
	t *testing.T

	fail   string // the call that fails: "open", "seek", "read", "write", "short", "close", "none"
	err    error  // the error of that call
	mu     sync.Mutex
	calls  []string
	closed chan struct{} // gets a value at each Close
}

func newHandles(t *testing.T) *handles {
	return &handles{Fs: tree(t), t: t, closed: make(chan struct{}, 100)}
}

func (h *handles) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, fmt.Sprintf(format, args...))
}

// log returns the calls since the last log.
func (h *handles) log() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.calls = nil }()
	return strings.Join(h.calls, "; ")
}

func (h *handles) GetHandle(name string, flags int, offset int64) (ftpserver.FileTransfer, error) {
	h.note("GetHandle %s %s %d", name, flagNames(flags), offset)
	if h.fail == "open" {
		return nil, h.err
	}
	if h.fail == "none" {
		return nil, nil
	}
	f, err := h.Fs.OpenFile(name, flags, 0o644)
	if err != nil {
		return nil, err
	}
	return &handle{f, h}, nil
}

func flagNames(flags int) string {
	names := map[int]string{os.O_RDONLY: "r", os.O_WRONLY: "w"}[flags&(os.O_RDONLY|os.O_WRONLY|os.O_RDWR)]
	for _, f := range []struct {
		flag int
		name string
	}{{os.O_CREATE, "c"}, {os.O_TRUNC, "t"}, {os.O_APPEND, "a"}} {
		if flags&f.flag != 0 {
			names += f.name
		}
	}
	return names
}

func (h *handles) Open(name string) (afero.File, error) {
	if info, err := h.Fs.Stat(name); err == nil && !info.IsDir() {
		h.t.Errorf("Open(%s)", name)
	}
	return h.Fs.Open(name)
}

func (h *handles) OpenFile(name string, flag int, _ fs.FileMode) (afero.File, error) {
	h.t.Errorf("OpenFile(%s)", name)
	return nil, fs.ErrPermission
}

func (h *handles) Create(name string) (afero.File, error) { return h.OpenFile(name, os.O_CREATE, 0) }

func (h *handles) Stat(name string) (fs.FileInfo, error) {
	if partial.Is(name[strings.LastIndexByte(name, '/')+1:]) {
		h.t.Errorf("Stat(%s)", name)
	}
	return h.Fs.Stat(name)
}

// handle is a file of handles, with TransferError.
type handle struct {
	f  afero.File
	of *handles
}

func (h *handle) Read(p []byte) (int, error) {
	if h.of.fail == "read" {
		n, _ := h.f.Read(p[:3])
		return n, h.of.err
	}
	return h.f.Read(p[:min(len(p), 1000)])
}

func (h *handle) Write(p []byte) (int, error) {
	switch h.of.fail {
	case "write":
		return 0, h.of.err
	case "short":
		return h.f.Write(p[:1])
	}
	return h.f.Write(p)
}

func (h *handle) Seek(offset int64, whence int) (int64, error) {
	h.of.note("Seek %d %d", offset, whence)
	if h.of.fail == "seek" {
		return 0, h.of.err
	}
	return h.f.Seek(offset, whence)
}

func (h *handle) TransferError(err error) {
	if err == nil {
		h.of.t.Error("got no error")
	}
	h.of.note("TransferError")
}

func (h *handle) Close() error {
	h.of.note("Close")
	err := h.f.Close()
	h.of.closed <- struct{}{}
	if h.of.fail == "close" {
		return h.of.err
	}
	return err
}

func TestFilesOfGetHandleAreTransferredSequentially(t *testing.T) {
	for _, tt := range []struct {
		name  string
		set   string // the command before line
		line  string
		up    string // the data of an upload
		want  string // the data of a download, or the content of the file after an upload
		calls string
	}{
		{"a download", "NOOP", "RETR f", "", "hello\n", "GetHandle /f r 0; Close"},
		{"of nothing", "NOOP", "RETR d/g", "", "", "GetHandle /d/g r 0; Close"},
		{"from an offset", "REST 2", "RETR f", "", "llo\n", "GetHandle /f r 2; Seek 2 0; Close"},
		{"from the end", "REST 6", "RETR f", "", "", "GetHandle /f r 6; Seek 6 0; Close"},
		{"of a range", "RANG 1 3", "RETR f", "", "ell", "GetHandle /f r 1; Seek 1 0; Close"},
		{"of a range from the beginning", "RANG 0 0", "RETR f", "", "h", "GetHandle /f r 0; Close"},
		{"of a range that ends beyond the file", "RANG 1 300", "RETR f", "", "ello\n", "GetHandle /f r 1; Seek 1 0; Close"},
		{"an upload", "NOOP", "STOR new", "other", "other", "GetHandle /new wct 0; Close"},
		{"over a file", "NOOP", "STOR f", "abc", "abc", "GetHandle /f wct 0; Close"},
		{"over a part of a file", "REST 2", "STOR f", "LL", "heLLo\n", "GetHandle /f wc 2; Seek 2 0; Close"},
		{"of nothing", "NOOP", "STOR f", "", "", "GetHandle /f wct 0; Close"},
		{"at the end", "NOOP", "APPE f", "more", "hello\nmore", "GetHandle /f wca 0; Close"},
		{"at the end, in spite of REST", "REST 2", "APPE f", "more", "hello\nmore", "GetHandle /f wca 0; Close"},
		{"to a new file", "NOOP", "APPE new", "more", "more", "GetHandle /new wca 0; Close"},
		{"in a directory", "CWD d", "STOR h", "x", "x", "GetHandle /d/h wct 0; Close"},
		{"of more than a buffer", "NOOP", "STOR f", pattern(0, 1<<20+1), pattern(0, 1<<20+1), "GetHandle /f wct 0; Close"},
	} {
		t.Run(tt.line+" "+tt.name, func(t *testing.T) {
			h := newHandles(t)
			s, c := loginTo(t, h)
			c.send(tt.set)
			if code, text, err := c.reply(); code < 200 || code > 399 || err != nil {
				t.Fatalf("%s: %q, %v", tt.set, text, err)
			}
			got := tt.want
			if strings.HasPrefix(tt.line, "RETR") {
				got = c.get(epsv, tt.line)
			} else {
				c.put(epsv, tt.line, strings.NewReader(tt.up))
			}
			if x := s.transfer(); x.Method != sendfile.Copy && x.Sent > 0 || x.Err != nil || x.Kept != 0 {
				t.Errorf("got %v, %v, %d kept", x.Method, x.Err, x.Kept)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if calls := h.log(); calls != tt.calls {
				t.Errorf("called %s, want %s", calls, tt.calls)
			}
			if name := strings.Fields(tt.calls)[1]; !strings.HasPrefix(tt.line, "RETR") && readAll(t, h.Fs, name) != tt.want {
				t.Errorf("the file has %q", readAll(t, h.Fs, name))
			}
			wantNothingHidden(t, h.Fs, "/")
		})
	}
}

func TestGetHandleIsNotCalledForRefusedCommands(t *testing.T) {
	h := newHandles(t)
	_, c := loginTo(t, h)
	for _, tt := range []struct {
		set, line string
		want      int
	}{
		{"NOOP", "RETR missing", 550},
		{"NOOP", "RETR d", 550},
		{"REST 7", "RETR f", 550},
		{"RANG 7 8", "RETR f", 550},
		{"NOOP", "RETR .f.x.sluice-part", 550},
	} {
		c.send(tt.set)
		_, _, _ = c.reply()
		c.passive(epsv)
		if tt.line == "RETR missing" {
			c.want(tt.want, tt.line)
			h.log() // a call is allowed here
			continue
		}
		c.want(tt.want, tt.line)
		if calls := h.log(); calls != "" {
			t.Errorf("%s after %s: called %s", tt.line, tt.set, calls)
		}
	}
	c.want(550, "SIZE missing")
}

func TestWithGetHandleNoHiddenNamesAreUsed(t *testing.T) {
	h := newHandles(t)
	const name = "/e/.g.0123456789abcdef.sluice-part" // looks like a kept part
	if err := afero.WriteFile(h.Fs, name, []byte("its own"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, c := loginTo(t, h)
	c.want(550, "RMD e")
	if got := readAll(t, h.Fs, name); got != "its own" {
		t.Errorf("the file has %q", got)
	}
}

func TestSTOUCallsGetHandleWithANewName(t *testing.T) {
	h := newHandles(t)
	_, c := loginTo(t, h)
	addr := c.passive(epsv)
	c.send("STOU f")
	conn := c.connect(addr)
	name, ok := strings.CutPrefix(c.expect(150, "STOU"), "150 FILE: ")
	_, _ = io.WriteString(conn, "new")
	_ = conn.Close()
	c.expect(226, "STOU")
	if want := "GetHandle /" + name + " wct 0; Close"; !ok || h.log() != want || readAll(t, h.Fs, "/"+name) != "new" {
		t.Errorf("the name is %q, %v", name, ok)
	}
}

func TestChecksumsAreReadByGetHandle(t *testing.T) {
	h := newHandles(t)
	_, c := loginTo(t, h)
	for _, tt := range []struct{ line, want, calls string }{
		{"XMD5 f", "250 B1946AC92492D2347C6235B4D2611184", "GetHandle /f r 0; Close"},
		{"XMD5 f 1", "250 CEF47D333FAA3DA7DA6878CCE8AAC0A8", "GetHandle /f r 0; Seek 1 0; Close"},
		{"HASH f", "213 SHA-256 0-5 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 f", "GetHandle /f r 0; Close"},
		{"HASH d/g", "213 SHA-256 0-0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 d/g", "GetHandle /d/g r 0; Close"},
		{"XMD5 d", "550 Is a directory", ""},
		{"XMD5 missing", "550 No such file or directory", ""},
		{"XMD5 f 0 7", "501 The range is not in the file", "GetHandle /f r 0; Close"},
	} {
		if got := c.want(code(tt.want), tt.line); got != tt.want {
			t.Errorf("%s: got %q", tt.line, got)
		}
		if calls := h.log(); calls != tt.calls {
			t.Errorf("%s: called %s", tt.line, calls)
		}
	}
	h.fail, h.err = "read", errFull
	if got := c.want(550, "XMD5 f"); got != "550 No more room" {
		t.Errorf("got %q", got)
	}
	h.fail = "open"
	c.want(550, "XMD5 f")
}

func TestAHandleThatFailsGetsTransferErrorBeforeClose(t *testing.T) {
	for _, tt := range []struct {
		fail  string
		err   error
		set   string
		line  string
		want  string // the final reply
		calls string
	}{
		{"open", errFull, "NOOP", "RETR f", "550 No more room", "GetHandle /f r 0"},
		{"open", errFull, "NOOP", "STOR f", "550 No more room", "GetHandle /f wct 0"},
		{"open", ftpserver.ErrStorageExceeded, "NOOP", "STOR f", "552 Storage limit exceeded", "GetHandle /f wct 0"},
		{"open", ftpserver.ErrFileNameNotAllowed, "NOOP", "APPE f", "553 Filename not allowed", "GetHandle /f wca 0"},
		{"none", nil, "NOOP", "RETR f", "550 The driver has returned no file", "GetHandle /f r 0"},
		{"none", nil, "NOOP", "STOR f", "550 The driver has returned no file", "GetHandle /f wct 0"},
		{"seek", errFull, "REST 1", "RETR f", "550 No more room", "GetHandle /f r 1; Seek 1 0; TransferError; Close"},
		{"seek", errFull, "REST 1", "STOR f", "550 No more room", "GetHandle /f wc 1; Seek 1 0; TransferError; Close"},
		{"read", errFull, "NOOP", "RETR f", "451 No more room", "GetHandle /f r 0; TransferError; Close"},
		{"write", errFull, "NOOP", "STOR f", "451 No more room", "GetHandle /f wct 0; TransferError; Close"},
		{"write", errFull, "NOOP", "APPE f", "451 No more room", "GetHandle /f wca 0; TransferError; Close"},
		{"write", fmt.Errorf("disk: %w", ftpserver.ErrStorageExceeded), "NOOP", "STOR f", "552 Disk: storage limit exceeded", "GetHandle /f wct 0; TransferError; Close"},
		{"short", nil, "NOOP", "STOR f", "451 Short write", "GetHandle /f wct 0; TransferError; Close"},
		{"close", errFull, "NOOP", "STOR f", "451 No more room", "GetHandle /f wct 0; Close"},
		{"close", errFull, "NOOP", "RETR f", "226 Transfer complete", "GetHandle /f r 0; Close"},
	} {
		t.Run(fmt.Sprintf("%s during %s: %v", tt.fail, tt.line, tt.err), func(t *testing.T) {
			h := newHandles(t)
			h.fail, h.err = tt.fail, tt.err
			s, c := loginTo(t, h)
			c.send(tt.set)
			_, _, _ = c.reply()
			conn := c.connect(c.passive(epsv))
			c.send(tt.line)
			if !strings.HasPrefix(tt.line, "RETR") {
				_, _ = io.WriteString(conn, "some")
				_ = conn.CloseWrite()
			}
			got, text, err := c.reply()
			if got == 150 {
				got, text, err = c.reply()
			}
			if !strings.HasPrefix(text, tt.want) || err != nil {
				t.Errorf("got %q, %v, want %q", text, err, tt.want)
			}
			if calls := h.log(); calls != tt.calls {
				t.Errorf("called %s, want %s", calls, tt.calls)
			}
			if x := s.transfer(); (x.Err == nil) != (got == 226) || tt.err != nil && got != 226 && !errors.Is(x.Err, tt.err) {
				t.Errorf("got %v", x.Err)
			}
			c.want(200, "NOOP")
		})
	}
}

func TestAHandleGetsTransferErrorBeforeCloseIfTheTransferFails(t *testing.T) {
	for _, tt := range transferEnds {
		for _, line := range []string{"RETR big", "STOR new", "STOR f", "APPE f"} {
			if tt.uploads && line == "RETR big" {
				continue
			}
			t.Run(line+" "+tt.name, func(t *testing.T) {
				h := newHandles(t)
				if line == "RETR big" {
					if err := afero.WriteFile(h.Fs, "/big", bigFile(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				s, c := loginTo(t, h)
				tt.end(s, c, line)
				next(t, h.closed)
				x := s.transfer()
				calls := h.log()
				if failed := strings.HasSuffix(calls, "; TransferError; Close"); failed != tt.failed || strings.Count(calls, ";") > 2 || (x.Err != nil) != tt.failed {
					t.Errorf("called %s, got %v", calls, x.Err)
				}
			})
		}
	}
}

// bareHandles is a driver whose files lack TransferError.
type bareHandles struct{ *handles }

func (h bareHandles) GetHandle(name string, flags int, offset int64) (ftpserver.FileTransfer, error) {
	f, err := h.handles.GetHandle(name, flags, offset)
	return struct{ ftpserver.FileTransfer }{f}, err
}

func TestAHandleNeedNotHaveTransferError(t *testing.T) {
	h := newHandles(t)
	s, c := loginTo(t, bareHandles{h})
	conn := c.data(epsv, "STOR f")
	nettest.Reset(t, conn)
	c.expect(426, "STOR")
	if calls := h.log(); calls != "GetHandle /f wct 0; Close" {
		t.Errorf("called %s", calls)
	}
	if x := s.transfer(); x.Err == nil || x.Outcome.String() != "peer" {
		t.Errorf("got %v, %v", x.Outcome, x.Err)
	}
}

func TestAPanicOfAHandleEndsItsSessionOnly(t *testing.T) {
	h := newHandles(t)
	d := &mainDriver{client: panickingHandles{h}, settings: binary}
	s := run(t, d, func(s *ftpd.Server) { s.Logger = slog.New(slog.DiscardHandler) })
	c := s.login()
	c.connect(c.passive(epsv))
	c.send("RETR f")
	if x := s.transfer(); x.Err == nil {
		t.Error("reported as a success")
	}
	if x := next(t, s.disconnects); x.Err == nil || errors.Is(x.Err, ftpd.ErrServerClosed) {
		t.Errorf("the session ended because of %v", x.Err)
	}
	if calls := h.log(); calls != "GetHandle /f r 0; TransferError; Close" {
		t.Errorf("called %s", calls)
	}
	s.login().want(200, "NOOP")
}

type panickingHandles struct{ *handles }

type panickingHandle struct{ *handle }

func (h panickingHandles) GetHandle(name string, flags int, offset int64) (ftpserver.FileTransfer, error) {
	f, err := h.handles.GetHandle(name, flags, offset)
	return panickingHandle{f.(*handle)}, err
}

func (panickingHandle) Read([]byte) (int, error) { panic("a mistake in the program") }
