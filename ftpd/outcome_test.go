package ftpd_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/live"
)

// failingRename is a file system in which Rename fails.
type failingRename struct{ afero.Fs }

func (failingRename) Rename(string, string) error {
	return &fs.PathError{Op: "rename", Err: errors.New("no")}
}

// A transfer in the registry gets its outcome there before its file is committed.
func TestTheOutcomeIncludesTheFile(t *testing.T) {
	for name, size := range map[string]int64{"a small upload": 10, "an upload in the registry": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			s := startWithFS(t, failingRename{afero.NewMemMapFs()}, nil)
			c := s.login()
			conn := c.data(epsv, "STOR f")
			if _, err := io.WriteString(conn, pattern(0, size)); err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			c.expect(451, "STOR")
			if x := s.transfer(); x.Err == nil || x.Sent != size || x.Outcome.String() != "file" {
				t.Errorf("got %v (%v) of %d bytes, want file", x.Outcome, x.Err, x.Sent)
			}
		})
	}
}

// blockingSync is a file system in which Sync of a file blocks.
type blockingSync struct {
	afero.Fs
	syncs   chan struct{} // gets a value at the begin of each Sync
	release chan struct{} // closed to end the Syncs
}

type blockingSyncFile struct {
	afero.File
	of *blockingSync
}

func (s *blockingSync) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	f, err := s.Fs.OpenFile(name, flag, perm)
	return blockingSyncFile{f, s}, err
}

func (f blockingSyncFile) Sync() error {
	f.of.syncs <- struct{}{}
	<-f.of.release
	return nil
}

func TestAnUploadEndedByTheServerHasTheOutcomeCut(t *testing.T) {
	fsys := &blockingSync{afero.NewMemMapFs(), make(chan struct{}), make(chan struct{})}
	s := startWithFS(t, fsys, nil)
	c := s.login()
	conn := c.data(epsv, "STOR f")
	_ = conn.Close()
	next(t, fsys.syncs)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	c.end()
	close(fsys.release)
	if x := s.transfer(); x.Outcome.String() != "cut" || !errors.Is(x.Err, ftpd.ErrServerClosed) {
		t.Errorf("got %v, %v, want cut", x.Outcome, x.Err)
	}
	if err := next(t, closed); err != nil {
		t.Error(err)
	}
	wantNothingHidden(t, fsys, "")
}

// A transfer that ends before the data connection is open has the same reason in its record as a later one.
func TestATransferWithoutADataConnectionHasAReason(t *testing.T) {
	for _, tt := range []struct {
		name    string
		end     func(s *server, c *client)
		outcome string
		want    string // in the error
	}{
		{"ABOR", func(_ *server, c *client) { c.want(426, "ABOR") }, "peer", "aborted by the client"},
		{"the client disconnects", func(_ *server, c *client) { _ = c.conn.Close() }, "peer", "control connection lost"},
		{"the server closes", func(s *server, _ *client) { go func() { _ = s.Close() }() }, "cut", "server closed"},
	} {
		for _, command := range []string{"STOR new", "APPE f", "RETR f", "STOU"} {
			t.Run(tt.name+" during "+command, func(t *testing.T) {
				root := rootOf(t, map[string]string{"f": "f"})
				s := startWithFS(t, root, nil)
				c := s.login()
				c.passive(epsv)
				c.send(command)
				c.send("STAT") // its reply comes when the operation has begun
				c.expect(211, "STAT")
				tt.end(s, c)
				x := s.transfer()
				if x.Outcome.String() != tt.outcome || x.Err == nil || !strings.Contains(x.Err.Error(), tt.want) {
					t.Errorf("got %v, %v, want %s, %s", x.Outcome, x.Err, tt.outcome, tt.want)
				}
				if x.Session == 0 || x.User != "u" || x.Protocol.String() != "ftp" || !x.Remote.IsValid() || x.Path == "" || x.Upload != (command != "RETR f") {
					t.Errorf("got %+v", x)
				}
				wantNothingHidden(t, root, "")
			})
		}
	}
}

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
