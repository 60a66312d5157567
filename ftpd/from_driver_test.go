package ftpd_test

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// mainDriver is the least that a driver of ftpserverlib is. Tests embed it, and add
// the extension that they are about.
type mainDriver struct {
	settings ftpserver.Settings
	client   ftpserver.ClientDriver // of the user u, password secret
	tls      *tls.Config
}

func (d *mainDriver) GetSettings() (*ftpserver.Settings, error) {
	set := d.settings
	return &set, nil
}

func (d *mainDriver) ClientConnected(ftpserver.ClientContext) (string, error) { return "Hello", nil }
func (d *mainDriver) ClientDisconnected(ftpserver.ClientContext)              {}

func (d *mainDriver) AuthUser(_ ftpserver.ClientContext, user, pass string) (ftpserver.ClientDriver, error) {
	if user != "u" || pass != "secret" {
		return nil, errors.New("who are you")
	}
	return d.client, nil
}

func (d *mainDriver) GetTLSConfig() (*tls.Config, error) {
	if d.tls == nil {
		return nil, errors.New("no certificate")
	}
	return d.tls, nil
}

// run serves a driver on loopback. setup, if not nil, changes the server.
func run(t *testing.T, d ftpserver.MainDriver, setup func(*ftpd.Server)) *server {
	t.Helper()
	nettest.CheckLeaks(t)
	s := &server{
		t: t, Server: ftpd.FromDriver(d), served: make(chan error, 1),
		transfers: make(chan ftpd.Transfer, 100), leavings: make(chan ftpd.Disconnect, 100),
	}
	s.OnTransfer = func(x ftpd.Transfer) { s.transfers <- x }
	s.OnDisconnect = func(x ftpd.Disconnect) { s.leavings <- x }
	if setup != nil {
		setup(s.Server)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	go func() { s.served <- s.Serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-s.served; !errors.Is(err, ftpd.ErrServerClosed) {
			t.Errorf("Serve = %v, want ErrServerClosed", err)
		}
	})
	return s
}

func TestADriverIsServed(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name     string
		fs       afero.Fs
		zeroCopy bool
	}{
		{"in memory", afero.NewMemMapFs(), false},
		{"in a directory", afero.NewBasePathFs(afero.NewOsFs(), dir), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := run(t, &mainDriver{client: tt.fs, settings: ftpserver.Settings{DefaultTransferType: ftpserver.TransferTypeBinary}}, nil)
			c := s.login()
			content := pattern(0, 300_000)
			c.put(epsv, "STOR f", strings.NewReader(content))
			up := s.transfer()
			if got := c.get(pasv, "RETR f"); got != content {
				t.Errorf("got %d bytes of another content", len(got))
			}
			down := s.transfer()
			if zero := up.Method == sendfile.Splice && down.Method == sendfile.Sendfile; zero != tt.zeroCopy {
				t.Errorf("the methods are %v and %v", up.Method, down.Method)
			}
			c.want(257, "MKD d")
			c.want(350, "RNFR f")
			c.want(250, "RNTO d/g")
			if got := c.get(epsv, "NLST d"); got != "d/g\r\n" {
				t.Errorf("NLST = %q", got)
			}
			c.want(250, "DELE d/g")
			c.want(250, "RMD d")
		})
	}
}
