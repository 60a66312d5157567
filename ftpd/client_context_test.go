package ftpd_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
)

// withContext serves d, and returns a channel of the contexts of its clients.
func withContext(t *testing.T, d *mainDriver) (*server, <-chan ftpserver.ClientContext) {
	t.Helper()
	contexts := make(chan ftpserver.ClientContext, 10)
	if d.client == nil {
		d.client = afero.NewMemMapFs()
	}
	d.connected = func(c ftpserver.ClientContext) (string, error) {
		contexts <- c
		return "Hello", nil
	}
	return run(t, d, nil), contexts
}

func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestAClientContextDescribesItsSession(t *testing.T) {
	d := &mainDriver{config: always(testCertificate())}
	s, contexts := withContext(t, d)
	c := s.dial()
	cc := next(t, contexts)
	wantEqual(t, "Path", cc.Path(), "/")
	wantEqual(t, "RemoteAddr", cc.RemoteAddr().String(), c.conn.LocalAddr().String())
	wantEqual(t, "LocalAddr", cc.LocalAddr().String(), s.addr)
	wantEqual(t, "GetLastCommand", cc.GetLastCommand(), "")
	wantEqual(t, "GetLastDataChannel", cc.GetLastDataChannel(), 0)
	wantEqual(t, "GetClientVersion", cc.GetClientVersion(), "")
	wantEqual(t, "Extra", cc.Extra(), nil)
	wantEqual(t, "Debug", cc.Debug(), false)
	wantEqual(t, "HasTLSForControl", cc.HasTLSForControl(), false)
	wantEqual(t, "HasTLSForTransfers", cc.HasTLSForTransfers(), false)

	secure := c.auth(trust(0))
	secure.want(331, "USER u")
	wantEqual(t, "HasTLSForControl after AUTH", cc.HasTLSForControl(), true)
	secure.want(230, "PASS secret")
	wantEqual(t, "ID", uint64(cc.ID()), next(t, s.logins).Session)
	wantEqual(t, "GetLastCommand", cc.GetLastCommand(), "PASS")
	secure.want(200, "CLNT NcFTP 3.2.6 of somebody")
	wantEqual(t, "GetClientVersion", cc.GetClientVersion(), "NcFTP 3.2.6 of somebody")
	secure.want(257, "mkd d")
	wantEqual(t, "GetLastCommand", cc.GetLastCommand(), "MKD")
	secure.want(250, "CWD d")
	wantEqual(t, "Path", cc.Path(), "/d")
	secure.want(500, "NONSENSE")
	wantEqual(t, "GetLastCommand after an unknown command", cc.GetLastCommand(), "CWD")
	secure.want(200, "PBSZ 0")
	secure.want(200, "PROT P")
	wantEqual(t, "HasTLSForTransfers after PROT P", cc.HasTLSForTransfers(), true)
	secure.want(200, "PROT C")
	wantEqual(t, "HasTLSForTransfers after PROT C", cc.HasTLSForTransfers(), false)
	secure.want(229, "EPSV")
	wantEqual(t, "GetLastDataChannel", cc.GetLastDataChannel(), ftpserver.DataChannelPassive)
	secure.want(501, "PORT 192,0,2,1,4,1")
	wantEqual(t, "GetLastDataChannel after a refused command", cc.GetLastDataChannel(), ftpserver.DataChannelPassive)
	secure.want(200, "PORT 127,0,0,1,4,1")
	wantEqual(t, "GetLastDataChannel", cc.GetLastDataChannel(), ftpserver.DataChannelActive)

	secure.want(221, "QUIT")
	next(t, s.disconnects)
	wantEqual(t, "Path after the session", cc.Path(), "/d")
	wantEqual(t, "RemoteAddr after the session", cc.RemoteAddr().String(), c.conn.LocalAddr().String())
}

func TestAClientContextKeepsTheDriversValues(t *testing.T) {
	gone := make(chan any, 1)
	d := &mainDriver{disconnected: func(c ftpserver.ClientContext) { gone <- c.Extra() }}
	s, contexts := withContext(t, d)
	c := s.dial()
	cc := next(t, contexts)
	cc.SetExtra(4711)
	cc.SetDebug(true)
	wantEqual(t, "Debug", cc.Debug(), true)
	_ = c.conn.Close()
	wantEqual(t, "Extra at the end", next(t, gone), 4711)
}

func TestTheDriverCanSetTheFirstDirectory(t *testing.T) {
	for _, tt := range []struct{ set, want string }{
		{"/home/u", "/home/u"}, {"home/u/", "/home/u"}, {"/home/../home/./u", "/home/u"}, {"", "/"}, {"../..", "/"},
	} {
		t.Run("by "+tt.set, func(t *testing.T) {
			d := &mainDriver{auth: func(c ftpserver.ClientContext, user, pass string) (afero.Fs, error) {
				c.SetPath(tt.set)
				return memoryOf(t, "/home/u/f", "hello"), nil
			}}
			c := run(t, d, nil).login()
			if got, want := c.want(257, "PWD"), `257 "`+tt.want+`" is the current directory`; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if tt.want == "/home/u" {
				c.want(213, "MDTM f")
			}
		})
	}
}

func TestTheDirectoryOfAFailedLoginIsForgotten(t *testing.T) {
	d := &mainDriver{auth: func(c ftpserver.ClientContext, user, pass string) (afero.Fs, error) {
		if user != "u" {
			c.SetPath("/home/" + user)
			return nil, errRejected
		}
		return afero.NewMemMapFs(), nil
	}}
	c := run(t, d, nil).dial()
	c.want(331, "USER mallory")
	c.want(530, "PASS x")
	c.want(331, "USER u")
	c.want(230, "PASS secret")
	if got := c.want(257, "PWD"); !strings.HasPrefix(got, `257 "/" `) {
		t.Errorf("got %q", got)
	}
}

func TestTheDriverRequiresTLSOfSomeClients(t *testing.T) {
	s := run(t, preAuth{&mainDriver{client: afero.NewMemMapFs(), config: always(testCertificate())}, func(c ftpserver.ClientContext, user string) error {
		for _, wrong := range []ftpserver.TLSRequirement{ftpserver.ImplicitEncryption, -1} {
			if err := c.SetTLSRequirement(wrong); err == nil {
				t.Errorf("the requirement %d was accepted", wrong)
			}
		}
		if user != "u" {
			return c.SetTLSRequirement(ftpserver.ClearOrEncrypted)
		}
		return c.SetTLSRequirement(ftpserver.MandatoryEncryption)
	}}, nil)
	c := s.dial()
	c.want(331, "USER v")
	c.want(530, "USER u")
	c.end()
	secure := s.dial().auth(trust(0))
	secure.want(331, "USER u")
	secure.want(230, "PASS secret")
	secure.want(229, "EPSV")
	secure.want(522, "LIST")
	secure.want(200, "PBSZ 0")
	secure.want(534, "PROT C")
	secure.want(200, "PROT P")
	data := secure.begin("NLST", secure.config)
	if got, err := io.ReadAll(data); len(got) > 0 || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	secure.expect(226, "NLST")
}

func TestTheDriverEndsASessionAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   string // the method of the driver that closes the session; "": none
		do   func(c *client)
	}{
		{"while the client is silent", "", func(*client) {}},
		{"in ClientConnected", "ClientConnected", func(*client) {}},
		{"in AuthUser", "AuthUser", func(c *client) { c.send("USER u\r\nPASS secret") }},
		{"while the client uploads a file", "", func(c *client) {
			c.send("USER u\r\nPASS secret")
			c.expect(331, "USER")
			c.expect(230, "PASS")
			c.data(epsv, "STOR f")
		}},
		{"while the server waits for a data connection", "", func(c *client) {
			c.send("USER u\r\nPASS secret")
			c.expect(331, "USER")
			c.expect(230, "PASS")
			c.passive(epsv)
			c.send("STOR f\r\nNOOP")
			c.expect(200, "NOOP")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contexts := make(chan ftpserver.ClientContext, 1)
			gone := make(chan ftpserver.ClientContext, 10)
			memory := afero.NewMemMapFs()
			d := &mainDriver{settings: binary}
			closeAt := func(c ftpserver.ClientContext, at string) {
				if tt.at == at {
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				}
			}
			d.connected = func(c ftpserver.ClientContext) (string, error) {
				contexts <- c
				closeAt(c, "ClientConnected")
				return "Hello", nil
			}
			d.auth = func(c ftpserver.ClientContext, _, _ string) (afero.Fs, error) {
				closeAt(c, "AuthUser")
				return memory, nil
			}
			d.disconnected = func(c ftpserver.ClientContext) {
				_ = c.Close() // harmless
				gone <- c
			}
			s := run(t, d, nil)
			c := s.connectOnly()
			cc := next(t, contexts)
			if tt.at != "ClientConnected" {
				c.expect(220, "the greeting")
			}
			tt.do(c)
			closeAt(cc, "")
			if x := next(t, s.disconnects); x.Err == nil || errors.Is(x.Err, ftpd.ErrServerClosed) {
				t.Errorf("the session ended because of %v", x.Err)
			}
			if _, err := io.Copy(io.Discard, c.r); isTimeout(err) {
				t.Errorf("the connection has ended with %v", err)
			}
			if next(t, gone) != cc || len(gone) > 0 {
				t.Error("ClientDisconnected got another context, or was called again")
			}
			wantNothingHidden(t, memory, "/")
		})
	}
}

func isTimeout(err error) bool {
	var e interface{ Timeout() bool }
	return errors.As(err, &e) && e.Timeout()
}

// A driver may keep the contexts, for example for a page that lists all clients.
func TestAClientContextCanBeUsedByManyGoroutines(t *testing.T) {
	d := &mainDriver{settings: binary, config: always(testCertificate())}
	s, contexts := withContext(t, d)
	c := s.dial()
	cc := next(t, contexts)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				cc.SetExtra(cc.ID())
				cc.SetDebug(cc.Debug())
				cc.SetPath(cc.Path())
				cc.SetListPath("")
				_ = cc.SetTLSRequirement(ftpserver.ClearOrEncrypted)
				_, _, _ = cc.RemoteAddr(), cc.LocalAddr(), cc.Extra()
				_, _, _ = cc.GetClientVersion(), cc.GetLastCommand(), cc.GetLastDataChannel()
				_, _ = cc.HasTLSForControl(), cc.HasTLSForTransfers()
			}
		})
	}
	secure := c.auth(trust(0))
	for _, line := range []string{"USER u", "PASS secret", "CLNT x", "PBSZ 0", "PROT P", "EPSV", "PWD", "MKD d", "CWD d", "PROT C", "PORT 127,0,0,1,4,1", "CWD /"} {
		if _, err := io.WriteString(secure.conn, line+"\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, text, err := secure.reply(); err != nil {
			t.Errorf("%s: %q, %v", line, text, err)
		}
	}
	secure.want(221, "QUIT")
	next(t, s.disconnects)
	close(stop)
	all.Wait()
}
