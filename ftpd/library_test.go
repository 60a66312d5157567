package ftpd_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// libraryEngine serves with the engine of ftpserverlib.
func libraryEngine(s *server, ln net.Listener) error {
	err := ftpserver.NewFtpServer(s.Driver(ln)).ListenAndServe()
	if err == nil { // the listener was closed
		return ftpd.ErrServerClosed
	}
	return err
}

// startLibrary is start with the engine of the library.
func startLibrary(t *testing.T, setup func(*ftpd.Server)) *server {
	t.Helper()
	nettest.CheckLeaks(t)
	return startWithEngine(t, libraryEngine, "127.0.0.1:0", nil, setup)
}

func TestTheLibraryTransfersByZeroCopy(t *testing.T) {
	for _, m := range []mode{pasv, epsv, port, eprt} {
		t.Run(string(m), func(t *testing.T) {
			s := startLibrary(t, nil)
			c := s.login()
			content := pattern(0, 300_000)
			c.put(m, "STOR f", strings.NewReader(content))
			up := s.transfer()
			if up.Method != sendfile.Splice || up.Sent != int64(len(content)) || up.Op != ftpd.Store || up.Path != "/f" || up.Err != nil {
				t.Errorf("got %+v", up)
			}
			if got := c.get(m, "RETR f"); got != content {
				t.Errorf("got %d bytes of another content", len(got))
			}
			down := s.transfer()
			if down.Method != sendfile.Sendfile || down.Sent != int64(len(content)) || down.Op != ftpd.Retrieve || down.User != "u" || down.Err != nil {
				t.Errorf("got %+v", down)
			}
		})
	}
}

func TestTheLibraryServesTLS(t *testing.T) {
	s := startLibrary(t, withTLS)
	s.file("f", 100_000)
	c := s.secure(trust(0))
	data := c.begin("RETR f", c.config)
	if got, err := io.ReadAll(data); string(got) != pattern(0, 100_000) || err != nil {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	c.expect(226, "RETR")
	if x := s.transfer(); x.Method != sendfile.Copy || x.Err != nil {
		t.Errorf("got %+v", x)
	}
}

func TestAnUploadToTheLibraryThatBreaksOffLeavesTheOldFile(t *testing.T) {
	for _, line := range []string{"STOR f", "STOR new"} {
		t.Run(line, func(t *testing.T) {
			s := startLibrary(t, nil)
			s.file("f", 100)
			c := s.login()
			conn := c.data(epsv, line)
			_, _ = io.WriteString(conn, "half")
			_ = conn.SetLinger(0)
			_ = conn.Close()
			if x := s.transfer(); x.Err == nil || x.Sent > 4 {
				t.Errorf("got %+v", x)
			}
			if got := s.names(); len(got) != 1 || got[0] != "f" {
				t.Errorf("the directory has %q, want f only", got)
			}
			if got, err := os.ReadFile(filepath.Join(s.dir, "f")); string(got) != pattern(0, 100) || err != nil {
				t.Errorf("f has %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestTheLibraryEnforcesRights(t *testing.T) {
	s := startLibrary(t, nil)
	s.file("f", 10)
	c := s.guest()
	for _, line := range []string{"DELE f", "MKD d", "RMD d", "SITE CHMOD 600 f", "MFMT 20200101000000 f", "SITE SYMLINK f l", "SITE MKDIR d", "SITE RMDIR d"} {
		c.want(550, line)
	}
	addr := c.passive(epsv)
	c.want(550, "STOR g")
	c.connect(addr)
	c.want(350, "RNFR f")
	c.want(550, "RNTO g")
	if got := s.names(); len(got) != 1 || got[0] != "f" {
		t.Errorf("the directory has %q, want f only", got)
	}
	user := s.login()
	user.want(257, "MKD d")
	user.want(250, "CWD d")
	for _, line := range []string{"RMD .", "RMD /d", "RMD /", "SITE RMDIR ."} {
		user.want(550, line)
	}
}

func TestShutdownEndsTheSessionsOfTheLibrary(t *testing.T) {
	s := startLibrary(t, nil)
	const size = 32 << 20 // more than the socket buffers
	s.file("f", size)
	idle, busy := s.guest(), s.guest()
	conn := busy.data(epsv, "RETR f")
	done := s.shutdown(t.Context())
	idle.end()
	if got, err := io.ReadAll(conn); len(got) != size || err != nil {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	busy.expect(226, "RETR")
	if err := next(t, done); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	for range 2 {
		if x := next(t, s.disconnects); !errors.Is(x.Err, ftpd.ErrServerClosed) {
			t.Errorf("got %+v", x)
		}
	}
}

func TestTheLibraryEnforcesLimitsOfClientsAndFailedLogins(t *testing.T) {
	clients := &ftpd.Registry{MaxConns: 1}
	s := startLibrary(t, func(s *ftpd.Server) { s.Live = clients })
	c := s.dial()
	c.want(331, "USER u")
	c.want(530, "PASS wrong")
	c.end()
	if x := next(t, s.logins); !errors.Is(x.Err, ftpd.ErrLogin) {
		t.Errorf("got %+v", x)
	}
	waitFor(t, "the end of the first session", func() bool { n, _ := clients.Len(); return n == 0 })
	s.login()
	if code, text := s.greeting(); code != 500 || !strings.Contains(text, "Too many clients") {
		t.Errorf("a client beyond the limit gets %q", text)
	}
}

// The library may open a file after it has called ClientDisconnected.
func TestTheLibraryOpensNoFileAfterTheClientHasDisconnected(t *testing.T) {
	s := startLibrary(t, func(s *ftpd.Server) {
		s.AcceptTimeout = time.Second // the library waits for it
		s.OnTransfer, s.OnLogin = nil, nil
	})
	s.file("f", 1000)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 50 {
				c, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.SetDeadline(time.Now().Add(100 * time.Millisecond)) // the library loses replies
				_, _ = io.WriteString(c, "USER ftp\r\nPASS x\r\nEPSV\r\nRETR f\r\n")
				r := bufio.NewReader(c)
				for range 4 {
					_, _ = r.ReadString('\n')
				}
				_ = c.Close()
			}
		})
	}
	clients.Wait()
	for range 8 * 50 {
		next(t, s.disconnects)
	}
	s.guest()
}
