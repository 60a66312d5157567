package ftpd_test

import (
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// verifier is a driver with VerifyConnection.
type verifier struct {
	*mainDriver
	verify func(c ftpserver.ClientContext, user string, conn *tls.Conn) (ftpserver.ClientDriver, error)
}

func (d verifier) VerifyConnection(c ftpserver.ClientContext, user string, conn *tls.Conn) (ftpserver.ClientDriver, error) {
	return d.verify(c, user, conn)
}

func TestVerifyConnectionDecidesAboutClientsOfTLS(t *testing.T) {
	memory := afero.NewMemMapFs()
	for _, tt := range []struct {
		name string
		user string
		want string
		then func(c *secured)
	}{
		{"a refused user's session ends", "mallory", "530 Not with that certificate", func(c *secured) { c.end() }},
		{"a user with a known certificate needs no password", "alice", "230 Logged in", func(c *secured) { c.want(257, "MKD alice") }},
		{"another user needs a password", "u", "331 Password required", func(c *secured) {
			c.want(230, "PASS secret")
			c.want(257, "MKD u")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &mainDriver{client: memory, config: always(testCertificate())}
			s := run(t, verifier{d, func(cc ftpserver.ClientContext, user string, conn *tls.Conn) (ftpserver.ClientDriver, error) {
				state := conn.ConnectionState()
				if !state.HandshakeComplete || state.ServerName != "localhost" || cc.GetLastCommand() != "USER" || !cc.HasTLSForControl() {
					t.Errorf("called during %s with %+v", cc.GetLastCommand(), state)
				}
				switch user {
				case "alice":
					return memory, nil
				case "mallory":
					return nil, errors.New("not with that certificate")
				}
				return nil, nil
			}}, nil)
			c := s.dial().auth(trust(0))
			if got := c.want(code(tt.want), "USER "+tt.user); got != tt.want {
				t.Errorf("got %q", got)
			}
			tt.then(c)
		})
	}
}

func TestVerifyConnectionIsNotCalledWithoutTLS(t *testing.T) {
	s := run(t, verifier{&mainDriver{client: afero.NewMemMapFs()}, func(ftpserver.ClientContext, string, *tls.Conn) (ftpserver.ClientDriver, error) {
		t.Error("VerifyConnection was called")
		return nil, errRejected
	}}, nil)
	s.login().want(200, "NOOP")
}

func TestServeReturnsAnErrorIfRequiredTLSIsMissing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config func() (*tls.Config, error)
		want   string // in the error
	}{
		{"an error", nil, errNoTLS.Error()},
		{"no configuration", always(nil), "the driver requires TLS"},
	} {
		for name, required := range map[string]ftpserver.TLSRequirement{
			"mandatory": ftpserver.MandatoryEncryption, "implicit": ftpserver.ImplicitEncryption,
		} {
			t.Run(tt.name+", TLS is "+name, func(t *testing.T) {
				nettest.CheckLeaks(t)
				srv := ftpd.FromDriver(&mainDriver{config: tt.config, settings: ftpserver.Settings{TLSRequired: required, ListenAddr: "127.0.0.1:0"}})
				if err := srv.ListenAndServe(); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

func TestADriverWithoutACertificateOffersNoTLS(t *testing.T) {
	for name, config := range map[string]func() (*tls.Config, error){"an error": nil, "no configuration": always(nil)} {
		t.Run(name, func(t *testing.T) {
			c := run(t, &mainDriver{config: config}, nil).dial()
			c.want(502, "AUTH TLS")
			if text := c.want(211, "FEAT"); strings.Contains(text, "AUTH") {
				t.Errorf("FEAT lists it: %q", text)
			}
		})
	}
}

// servedCertificate returns the server's certificate for a client that sends name as SNI;
// "": none.
func servedCertificate(t *testing.T, s *server, name string) string {
	t.Helper()
	config := trust(0)
	config.ServerName = name
	return string(s.dial().auth(config).conn.ConnectionState().PeerCertificates[0].Raw)
}

func TestANewCertificateIsUsedInTheNextHandshake(t *testing.T) {
	one, other := testCertificate(), testCertificate()
	var now atomic.Pointer[tls.Config]
	now.Store(one)
	s := run(t, &mainDriver{config: func() (*tls.Config, error) { return now.Load(), nil }}, nil)
	first := servedCertificate(t, s, "localhost")
	now.Store(other)
	second := servedCertificate(t, s, "localhost")
	if first != string(one.Certificates[0].Certificate[0]) || second != string(other.Certificates[0].Certificate[0]) {
		t.Error("the client got another certificate")
	}
}

func TestCertificatesAreChosenAsByPackageTLS(t *testing.T) {
	one, other := testCertificate().Certificates[0], testCertificate().Certificates[0]
	none := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
	gives := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &other, nil }
	for _, tt := range []struct {
		name   string
		config *tls.Config
		server string // SNI
		want   *tls.Certificate
	}{
		{"the first", &tls.Config{Certificates: []tls.Certificate{one, other}}, "localhost", &one},
		{"the first, if none fits", &tls.Config{Certificates: []tls.Certificate{one, other}}, "elsewhere.example", &one},
		{"that of GetCertificate", &tls.Config{GetCertificate: gives}, "localhost", &other},
		{"that of GetCertificate before others", &tls.Config{GetCertificate: gives, Certificates: []tls.Certificate{one}}, "localhost", &other},
		{"the first, for a client without SNI", &tls.Config{GetCertificate: gives, Certificates: []tls.Certificate{one}}, "", &one},
		{"the first, if GetCertificate has none", &tls.Config{GetCertificate: none, Certificates: []tls.Certificate{one}}, "localhost", &one},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := run(t, &mainDriver{config: always(tt.config)}, nil)
			if got := servedCertificate(t, s, tt.server); got != string(tt.want.Certificate[0]) {
				t.Error("the client got another certificate")
			}
		})
	}
}

func TestAHandshakeFailsIfTheDriverHasNoCertificateAnyMore(t *testing.T) {
	failing := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errNoTLS }
	for name, lost := range map[string]func() (*tls.Config, error){
		"an error": nil, "no configuration": always(nil), "none in it": always(new(tls.Config)),
		"a function that fails": always(&tls.Config{GetCertificate: failing}),
	} {
		t.Run(name, func(t *testing.T) {
			var isLost atomic.Bool
			good := testCertificate()
			s := run(t, &mainDriver{config: func() (*tls.Config, error) {
				switch {
				case !isLost.Load():
					return good, nil
				case lost == nil:
					return nil, errNoTLS
				}
				return lost()
			}}, nil)
			c := s.dial()
			isLost.Store(true)
			c.want(234, "AUTH TLS")
			if err := tls.Client(c.conn, trust(0)).Handshake(); err == nil {
				t.Error("the handshake succeeded")
			}
			if x := next(t, s.disconnects); x.Err == nil || strings.Contains(x.Err.Error(), "panic") {
				t.Errorf("the session ended because of %v", x.Err)
			}
			isLost.Store(false)
			s.dial().auth(trust(0)).want(200, "NOOP")
		})
	}
}

func TestDataOfADriverIsProtectedAndResumed(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			var now atomic.Pointer[tls.Config]
			now.Store(testCertificate())
			d := &mainDriver{settings: binary, config: func() (*tls.Config, error) { return now.Load(), nil }}
			d.settings.TLSRequired = ftpserver.MandatoryEncryption
			d.client = memoryOf(t, "/f", pattern(0, 300_000))
			s := run(t, d, func(s *ftpd.Server) { s.Reuse = ftpd.ReuseRequired })
			c := s.secure(trust(version))
			for range 3 {
				data := c.begin("RETR f", c.config)
				if got, err := io.ReadAll(data); string(got) != pattern(0, 300_000) || err != nil {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
				c.expect(226, "RETR")
				if !data.ConnectionState().DidResume {
					t.Error("the session was not resumed")
				}
				_ = data.Close()
				now.Store(testCertificate()) // does not break resumption
			}
		})
	}
}

func TestALoginWithoutRequiredTLSEndsTheSession(t *testing.T) {
	d := &mainDriver{client: afero.NewMemMapFs(), config: always(testCertificate())}
	d.settings.TLSRequired = ftpserver.MandatoryEncryption
	s := run(t, d, nil)
	c := s.dial()
	if text := c.want(530, "USER u"); !strings.Contains(text, "ncryption is required") {
		t.Errorf("got %q", text)
	}
	c.end()
	s.secure(trust(0)).want(534, "PROT C")
}
