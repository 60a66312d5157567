package ftpd_test

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// TestDriverScripts runs dialogues with a driver like that of the library's own tests. Most
// replies are the same as there; the scripts name the codes that differ.
func TestDriverScripts(t *testing.T) {
	eachScript(t, "testdata/script/driver/*.txtar", func(t *testing.T, set []setting) *server {
		dir := nettest.TempDir(t)
		d := &scriptDriver{}
		d.settings = binary
		d.client = scriptClient{afero.NewBasePathFs(afero.NewOsFs(), dir)}
		d.auth = func(_ ftpserver.ClientContext, user, pass string) (afero.Fs, error) {
			switch {
			case user == "u" && pass == "secret":
				return d.client, nil
			case user == "nil" && pass == "nil":
				return nil, nil
			}
			return nil, errors.New("bad username or password")
		}
		for _, s := range set {
			change := driverSettings[s.key]
			if change == nil {
				t.Fatalf("unknown setting %q", s.key)
			}
			change(d, s.value)
		}
		s := run(t, d, func(s *ftpd.Server) { s.KeepPartials = -1 })
		s.dir = dir
		return s
	})
}

// driverSettings has the names for "set" that change the driver.
var driverSettings = map[string]func(d *scriptDriver, value string){
	"certificate": func(d *scriptDriver, _ string) { d.config = always(testCertificate()) },
	"tls":         func(d *scriptDriver, _ string) { d.settings.TLSRequired = ftpserver.MandatoryEncryption },
	"user-tls":    func(d *scriptDriver, _ string) { d.required = ftpserver.MandatoryEncryption },
	"wrong-tls":   func(d *scriptDriver, _ string) { d.required = -1 },
	"verify":      func(d *scriptDriver, v string) { d.verified = v },
	"passive":     func(d *scriptDriver, _ string) { d.noPassive = errors.New("no passive mode today") },
	"public":      func(d *scriptDriver, v string) { d.settings.PublicIPResolver = resolving(v) },
	"hash":        func(d *scriptDriver, _ string) { d.settings.EnableHASH = true },
	"ascii":       func(d *scriptDriver, _ string) { d.settings.DefaultTransferType = ftpserver.TransferTypeASCII },
	"conversion":  func(d *scriptDriver, _ string) { d.settings.DisableASCIIConversion = true },
	"any-active":  func(d *scriptDriver, _ string) { d.settings.ActiveConnectionsCheck = ftpserver.IPMatchDisabled },
	"active":      func(d *scriptDriver, _ string) { d.settings.DisableActiveMode = true },
	"syst":        func(d *scriptDriver, _ string) { d.settings.DisableSYST = true },
	"stat":        func(d *scriptDriver, _ string) { d.settings.DisableSTAT = true },
	"mlsd":        func(d *scriptDriver, _ string) { d.settings.DisableMLSD = true },
	"mlst":        func(d *scriptDriver, _ string) { d.settings.DisableMLST = true },
	"list-args":   func(d *scriptDriver, _ string) { d.settings.DisableLISTArgs = true },
	"banner":      func(d *scriptDriver, v string) { d.settings.Banner = v },
}

func resolving(addr string) ftpserver.PublicIPResolver {
	return func(ftpserver.ClientContext) (string, error) {
		if addr == "" {
			return "", errors.New("nobody knows")
		}
		return addr, nil
	}
}

// scriptDriver is a driver with all extensions but those of Handle and Hasher.
type scriptDriver struct {
	mainDriver
	required  ftpserver.TLSRequirement // for all users
	verified  string                   // result of VerifyConnection: "known", "refused" or "" (neither)
	noPassive error
}

func (d *scriptDriver) PreAuthUser(c ftpserver.ClientContext, _ string) error {
	return c.SetTLSRequirement(d.required)
}

func (d *scriptDriver) VerifyConnection(ftpserver.ClientContext, string, *tls.Conn) (ftpserver.ClientDriver, error) {
	switch d.verified {
	case "known":
		return d.client, nil
	case "refused":
		return nil, errors.New("your certificate is none")
	}
	return nil, nil
}

func (d *scriptDriver) WrapPassiveListener(ln net.Listener) (net.Listener, error) {
	return ln, d.noPassive
}

func (d *scriptDriver) PostAuthMessage(_ ftpserver.ClientContext, _ string, err error) string {
	if err != nil {
		return "You are not welcome"
	}
	return "You are welcome"
}

func (d *scriptDriver) QuitMessage() string { return "Until tomorrow" }

// scriptClient is a directory in which operations on some names fail.
type scriptClient struct{ afero.Fs }

// open returns the error for opening a name.
func (scriptClient) open(name string) error {
	switch {
	case strings.Contains(name, "fail-to-open"):
		return errors.New("couldn't open")
	case strings.Contains(name, "quota-exceeded"):
		return ftpserver.ErrStorageExceeded
	case strings.Contains(name, "not-allowed"):
		return ftpserver.ErrFileNameNotAllowed
	}
	return nil
}

func (c scriptClient) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	if err := c.open(name); err != nil {
		return nil, err
	}
	f, err := c.Fs.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return scriptFile{f}, nil
}

func (c scriptClient) Open(name string) (afero.File, error) { return c.OpenFile(name, os.O_RDONLY, 0) }

func (c scriptClient) Rename(from, to string) error {
	if strings.Contains(to, "not-allowed") {
		return ftpserver.ErrFileNameNotAllowed
	}
	if strings.Contains(to, "quota-exceeded") {
		return ftpserver.ErrStorageExceeded
	}
	return c.Fs.Rename(from, to)
}

func (c scriptClient) AllocateSpace(size int) error {
	if size >= 1<<20 {
		return errors.New("you want too much")
	}
	return nil
}

func (c scriptClient) GetAvailableSpace(dir string) (int64, error) {
	if dir == "/noavbl" {
		return 0, errors.New("you may not know")
	}
	return 123, nil
}

func (c scriptClient) Chown(name string, uid, gid int) error {
	if uid != 0 && uid != 1000 || gid != 0 && gid != 500 {
		return errors.New("nobody has that number")
	}
	_, err := c.Stat(name)
	return err
}

func (c scriptClient) Symlink(target, name string) error {
	return c.Fs.(afero.Linker).SymlinkIfPossible(target, name)
}

// scriptFile is a file whose calls fail if its name says so.
type scriptFile struct{ afero.File }

func (f scriptFile) fails(call string) error {
	if strings.Contains(f.Name(), "fail-to-"+call) {
		return errors.New("couldn't " + call)
	}
	return nil
}

func (f scriptFile) Read(p []byte) (int, error) {
	if err := f.fails("read"); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f scriptFile) Write(p []byte) (int, error) {
	if err := f.fails("write"); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f scriptFile) Seek(offset int64, whence int) (int64, error) {
	if err := f.fails("seek"); err != nil {
		return 0, err
	}
	return f.File.Seek(offset, whence)
}

func (f scriptFile) Close() error { return errors.Join(f.fails("close"), f.File.Close()) }

func (f scriptFile) Readdir(n int) ([]fs.FileInfo, error) {
	if err := errors.Join(f.fails("readdir"), f.fails("list")); err != nil {
		return nil, err
	}
	return f.File.Readdir(n)
}

func (f scriptFile) Readdirnames(n int) ([]string, error) {
	if err := f.fails("list"); err != nil {
		return nil, err
	}
	return f.File.Readdirnames(n)
}
