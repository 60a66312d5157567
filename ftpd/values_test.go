package ftpd_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/live"
)

// failingSync is a file system in which Sync of a file fails.
type failingSync struct{ afero.Fs }

type failingSyncFile struct{ afero.File }

func (failingSyncFile) Sync() error { return errors.New("no disk") }

func (u failingSync) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	f, err := u.Fs.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return failingSyncFile{f}, nil
}

// An upload whose file fails after all bytes have come is a failure in all records.
func TestAnUploadFailsIfItsFileFailsAtTheEnd(t *testing.T) {
	reg := new(live.Registry)
	s := start(t, func(srv *ftpd.Server) {
		fsys := failingSync{afero.NewMemMapFs()}
		srv.FS, srv.Live = fsys, reg
		srv.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
			return &ftpd.Account{FS: fsys, Rights: ftpd.All}, nil
		}
	})
	c := s.login()
	data := c.data(epsv, "STOR f")
	if _, err := data.Write([]byte("content")); err != nil {
		t.Fatal(err)
	}
	_ = data.Close()
	c.expect(451, "the end of STOR")
	if x := s.transfer(); x.Outcome != live.FileFailed || x.Err == nil || x.Sent != 7 {
		t.Errorf("reported %d bytes, %v, %v, want a failed file", x.Sent, x.Outcome, x.Err)
	}
	for _, total := range live.Snapshot(reg).Totals.Transfers {
		if total.Result != "file" || total.Count != 1 {
			t.Errorf("counted %+v, want one transfer with a failed file", total)
		}
	}
}

func TestARefusalIsNotAnErrorOfTheConnection(t *testing.T) {
	s := start(t, nil)
	s.file("f", 10)
	c := s.guest()
	c.passive(epsv)
	c.want(550, "STOR f")
	if x := s.transfer(); x.Outcome != live.Cut || x.Err == nil {
		t.Errorf("reported %v, %v, want cut", x.Outcome, x.Err)
	}
}

func TestAUserWithoutAnOpenRootCannotLogIn(t *testing.T) {
	s := start(t, func(srv *ftpd.Server) {
		srv.FS = nil
		srv.Login = func(_ context.Context, _ ftpd.Client, user, _ string) (*ftpd.Account, error) {
			if user == "nil" {
				return &ftpd.Account{FS: (*ftpd.Root)(nil), Rights: ftpd.All}, nil
			}
			return &ftpd.Account{FS: new(ftpd.Root), Rights: ftpd.All}, nil
		}
	})
	c := s.dial()
	for _, user := range []string{"nil", "zero"} {
		c.want(331, "USER "+user)
		c.want(530, "PASS x")
	}
}

// The fact "perm" shows no right that a Root refuses.
func TestPermOfAReadOnlyRootShowsNoWriteRights(t *testing.T) {
	root := rootOf(t, map[string]string{"f": "x"})
	readOnly, err := ftpd.Dir(root.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	for perm, fsys := range map[string]afero.Fs{"perm=r;": readOnly, "perm=adfrw;": root} {
		s := start(t, func(srv *ftpd.Server) {
			srv.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
				return &ftpd.Account{FS: fsys, Rights: ftpd.All}, nil
			}
		})
		if got := s.login().want(250, "MLST f"); !strings.Contains(got, perm) {
			t.Errorf("got %q, want %s", got, perm)
		}
	}
}
