package daemon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/account"
	"sluice/internal/certs"
	"sluice/internal/config"
	"sluice/internal/nettest"
	"sluice/internal/sandbox"
)

// reloadTest is a daemon whose services might run, and what it logs. The flags of
// the configuration, which apply a file, are tested in cmd/sluice.
type reloadTest struct {
	*daemon
	log strings.Builder
}

// confWith returns a configuration with the users of a file and other changes.
func confWith(t *testing.T, users string, change func(*config.Config)) config.Config {
	t.Helper()
	conf := config.Default()
	conf.File = "f.toml"
	file, err := config.ParseFile(conf.File, []byte(users))
	if err != nil {
		t.Fatal(err)
	}
	conf.Users = file.Users
	if change != nil {
		change(&conf)
	}
	return conf
}

func newReloadTest(t testing.TB, conf config.Config) *reloadTest {
	t.Helper()
	r := new(reloadTest)
	if _, isBucket := config.ParseBucket(conf.Root); !isBucket {
		conf.Root = nettest.TempDir(t)
	}
	var err error
	if r.daemon, err = newDaemon(conf, &r.log); err != nil {
		t.Fatal(err)
	}
	if r.root, err = openSource(t.Context(), &conf, r.logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.root.close)
	return r
}

// again reloads another configuration and returns the log.
func (r *reloadTest) again(conf config.Config, changed ...string) (log string, err error) {
	r.daemon.log.Flush()
	r.log.Reset()
	err = r.reload(func(*sandbox.Files) (*Loaded, error) {
		return &Loaded{Config: conf, Changed: changed, Locate: func(err error) error { return located{err} }}, nil
	})
	r.daemon.log.Flush()
	return r.log.String(), err
}

// logText returns what was logged so far.
func (r *reloadTest) logText() string {
	r.daemon.log.Flush()
	return r.log.String()
}

// located is an error that Loaded.Locate has returned.
type located struct{ error }

// Users whose password is "secret".
const (
	aliceTable = "[user.alice]\npassword = '$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8'\n"
	bobTable   = "[user.bob]\npassword = '$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8'\n"
)

func TestReloadReplacesUsers(t *testing.T) {
	r := newReloadTest(t, confWith(t, aliceTable, nil))
	log, err := r.again(confWith(t, bobTable, func(c *config.Config) { c.Write, c.FTPOptions.LaxTLS = true, []string{"bob"} }), "write", "ftp-lax-tls")
	if err != nil || !strings.Contains(log, "users=1") || strings.Contains(log, "next start") {
		t.Errorf("got %v and the log %s", err, log)
	}
	if a, err := r.users.LogIn(t.Context(), account.Attempt{Name: "bob", Password: "secret"}); err != nil || a.Rights == 0 {
		t.Errorf("bob is %+v, %v, want a user who may log in", a, err)
	}
	if _, err := r.users.LogIn(t.Context(), account.Attempt{Name: "alice", Password: "secret"}); err == nil {
		t.Error("alice may still log in")
	}
	if lax := r.current.Load().FTPOptions.LaxTLS; len(lax) != 1 {
		t.Errorf("got the lax users %v, want bob", lax)
	}
}

func TestReloadWithAFileOfPasswordsAlone(t *testing.T) {
	passwords := func(name string) config.Config {
		conf := config.Default()
		conf.UsersFile = "users"
		hash, err := account.ParseHash("$apr1$6iyJ4mjW$eNzBLXej9l28IeAiDlNkH.")
		if err != nil {
			t.Fatal(err)
		}
		conf.Passwords = []account.NamedHash{{Name: name, Hash: hash, Line: 1}}
		return conf
	}
	r := newReloadTest(t, passwords("alice"))
	signals := make(chan os.Signal)
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		r.reloadOnSignal(ctx, signals, func(*sandbox.Files) (*Loaded, error) {
			return &Loaded{Config: passwords("bob"), Locate: func(err error) error { return err }}, nil
		})
	}()
	signals <- syscall.SIGHUP
	cancel()
	<-done
	if _, err := r.users.LogIn(t.Context(), account.Attempt{Name: "bob", Password: "secret"}); err != nil {
		t.Error("the new user is refused")
	}
	if _, err := r.users.LogIn(t.Context(), account.Attempt{Name: "alice", Password: "secret"}); err == nil {
		t.Error("the old user can log in")
	}
}

func TestReloadNamesPendingKeys(t *testing.T) {
	conf := confWith(t, aliceTable, nil)
	r := newReloadTest(t, conf)
	for _, tt := range []struct {
		name    string
		changed []string
		want    string
	}{
		{"nothing", nil, ""},
		{"a key", []string{"http"}, "keys=http\n"},
		{"two keys", []string{"proxy-from", "index"}, `keys="proxy-from, index"`},
		{"a key that is applied", []string{"write"}, ""},
		{"a certificate without one before", []string{"tls-cert"}, "keys=tls-cert\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log, err := r.again(conf, tt.changed...)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(log, "takes effect at the next start"); got != (tt.want != "") || !strings.Contains(log, tt.want) {
				t.Errorf("got the log %s, want %q", log, tt.want)
			}
		})
	}
}

func TestReloadOfAWrongConfigurationChangesNothing(t *testing.T) {
	r := newReloadTest(t, confWith(t, aliceTable, nil))
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"an invalid header rule", func(c *config.Config) { c.Headers = []string{"x"} }, "--header "},
		{"an invalid address", func(c *config.Config) { c.HTTP = []string{"8080"} }, "--http "},
		{"a missing certificate", func(c *config.Config) { c.HTTPS, c.TLSCerts = []string{":1"}, []string{"none.pem"} }, "none.pem"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.again(confWith(t, bobTable, tt.change))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, new(located)) {
				t.Errorf("got %v, want %q in the file", err, tt.want)
			}
			r.checkAlice(t)
		})
	}
	wrong := errors.New("f.toml:1: wrong")
	if err := r.reload(func(*sandbox.Files) (*Loaded, error) { return nil, wrong }); !errors.Is(err, wrong) {
		t.Errorf("a file that cannot be read: got %v, want %v", err, wrong)
	}
	r.checkAlice(t)
}

// checkAlice reports if alice may not log in, or bob may.
func (r *reloadTest) checkAlice(t *testing.T) {
	t.Helper()
	if _, err := r.users.LogIn(t.Context(), account.Attempt{Name: "alice", Password: "secret"}); err != nil {
		t.Error("alice may not log in any more")
	}
	if _, err := r.users.LogIn(t.Context(), account.Attempt{Name: "bob", Password: "secret"}); err == nil {
		t.Error("bob may log in")
	}
}

func TestReloadReplacesCertificates(t *testing.T) {
	a, b := makePair(t, "a"), makePair(t, "b")
	with := func(cert, users string) config.Config {
		return confWith(t, users, func(c *config.Config) { c.HTTPS, c.TLSCerts = []string{":1"}, []string{cert} })
	}
	r := newReloadTest(t, with(a, ""))
	if err := r.loadCertificates(); err != nil {
		t.Fatal(err)
	}
	before := r.fingerprint(t)
	log, err := r.again(with(b, ""), "tls-cert")
	if err != nil || strings.Contains(log, "next start") {
		t.Fatalf("got %v and the log %s", err, log)
	}
	after := r.fingerprint(t)
	if after == before {
		t.Error("the old certificate is served")
	}
	if _, err := r.again(with(filepath.Join(filepath.Dir(a), "none"), aliceTable)); err == nil {
		t.Error("a missing certificate is no error")
	}
	if _, err := r.users.LogIn(t.Context(), account.Attempt{Name: "alice", Password: "secret"}); err == nil || r.fingerprint(t) != after {
		t.Error("half of the configuration was applied")
	}
}

func TestReloadsEndWithTheServer(t *testing.T) {
	r := newReloadTest(t, confWith(t, aliceTable, nil))
	ctx, cancel := context.WithCancel(t.Context())
	signals, done := make(chan os.Signal), make(chan struct{})
	go func() {
		defer close(done)
		r.reloadOnSignal(ctx, signals, func(*sandbox.Files) (*Loaded, error) { return nil, errors.New("wrong") })
	}()
	signals <- syscall.SIGHUP
	signals <- syscall.SIGHUP // received after the first reload
	cancel()
	<-done
	r.daemon.log.Flush()
	if got := r.log.String(); !strings.Contains(got, "the one before stays") {
		t.Errorf("got the log %s", got)
	}
}

// makePair makes a certificate and its key in one file and returns its path.
func makePair(t *testing.T, name string) string {
	t.Helper()
	cert, err := certs.SelfSigned([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(nettest.TempDir(t), name+".pem")
	content := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// fingerprint returns the fingerprint of the certificate that clients get.
func (r *reloadTest) fingerprint(t *testing.T) string {
	t.Helper()
	cert, err := r.tls.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return certs.Fingerprint(*cert)
}
