package ftpd_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/ftpd"
	"sluice/internal/live"
)

// startRecording starts a server whose changes are sent to a channel.
func startRecording(t *testing.T, serve engine, setup func(*ftpd.Server)) (s *server, changes chan ftpd.FileChange) {
	t.Helper()
	changes = make(chan ftpd.FileChange, 100)
	s = startWithEngine(t, serve, "127.0.0.1:0", nil, func(srv *ftpd.Server) {
		srv.OnChange = func(x ftpd.FileChange) { changes <- x }
		if setup != nil {
			setup(srv)
		}
	})
	s.file("f", 10)
	for _, dir := range []string{"d", "full"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.file("full/x", 1)
	return s, changes
}

func TestEachCommandThatChangesFilesIsRecorded(t *testing.T) {
	s, changes := startRecording(t, ownEngine, nil)
	c := s.login()
	session := uint64(0)
	for _, tt := range []struct {
		command string
		code    int
		want    ftpd.FileChange
		err     error // nil: none
	}{
		{"MKD new", 257, ftpd.FileChange{Op: "MKD", Path: "/new"}, nil},
		{"XMKD new", 550, ftpd.FileChange{Op: "MKD", Path: "/new"}, fs.ErrExist},
		{"XRMD new", 250, ftpd.FileChange{Op: "RMD", Path: "/new"}, nil},
		{"RMD full", 550, ftpd.FileChange{Op: "RMD", Path: "/full"}, errAny},
		{"RMD /", 550, ftpd.FileChange{Op: "RMD", Path: "/"}, errAny},
		{"MFMT 20200101000000 f", 213, ftpd.FileChange{Op: "MFMT", Path: "/f"}, nil},
		{"MFMT 20200101000000 none", 550, ftpd.FileChange{Op: "MFMT", Path: "/none"}, fs.ErrNotExist},
		{"MDTM 20200101000000 f", 213, ftpd.FileChange{Op: "MDTM", Path: "/f"}, nil},
		{"MFF modify=20200101000000;UNIX.mode=0640; f", 213, ftpd.FileChange{Op: "MFF", Path: "/f"}, nil},
		{"SITE CHMOD 600 f", 200, ftpd.FileChange{Op: "SITE CHMOD", Path: "/f"}, nil},
		{"SITE CHMOD 600 none", 550, ftpd.FileChange{Op: "SITE CHMOD", Path: "/none"}, fs.ErrNotExist},
		{"SITE UTIME 20200101000000 d/../f", 200, ftpd.FileChange{Op: "SITE UTIME", Path: "/f"}, nil},
		{"SITE SYMLINK f link", 200, ftpd.FileChange{Op: "SITE SYMLINK", Path: "/link", NewPath: "/f"}, nil},
		{"SITE SYMLINK none link2", 550, ftpd.FileChange{Op: "SITE SYMLINK", Path: "/link2", NewPath: "/none"}, fs.ErrNotExist},
		{"RNTO g", 250, ftpd.FileChange{Op: "RNTO", Path: "/f", NewPath: "/g"}, nil},
		{"RNTO d/../..", 550, ftpd.FileChange{Op: "RNTO", Path: "/g", NewPath: "/"}, errAny},
		{"RNTO .x.sluice-part", 553, ftpd.FileChange{Op: "RNTO", Path: "/g", NewPath: "/.x.sluice-part"}, errAny},
		{"DELE g", 250, ftpd.FileChange{Op: "DELE", Path: "/g"}, nil},
		{"DELE g", 550, ftpd.FileChange{Op: "DELE", Path: "/g"}, fs.ErrNotExist},
		{"DELE d", 550, ftpd.FileChange{Op: "DELE", Path: "/d"}, errAny},
	} {
		t.Run(tt.command, func(t *testing.T) {
			if strings.HasPrefix(tt.command, "RNTO") {
				c.want(350, "RNFR "+tt.want.Path)
			}
			c.want(tt.code, tt.command)
			got := next(t, changes)
			if session == 0 {
				session = got.Session
			}
			tt.want.User, tt.want.Status, tt.want.Protocol, tt.want.Session = "u", tt.code, live.FTP, session
			if !got.Remote.Addr().IsLoopback() || got.Duration <= 0 || session == 0 || got.Outcome.String() == "complete" != (tt.err == nil) {
				t.Errorf("got %+v", got)
			}
			if tt.err == nil && got.Err != nil || tt.err == errAny && got.Err == nil || tt.err != errAny && !errors.Is(got.Err, tt.err) {
				t.Errorf("got the error %v, want %v", got.Err, tt.err)
			}
			got.Remote, got.Duration, got.Err, got.Outcome, got.Retransmits = tt.want.Remote, 0, nil, 0, 0
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	// No change by these.
	for _, command := range []string{"501 MFMT x f", "501 SITE CHMOD 9 f", "503 RNTO x", "504 MFF size=1; d", "200 SITE UMASK 022", "213 MDTM d", "550 RNFR none", "250 CWD d"} {
		code := 0
		for _, digit := range command[:3] {
			code = 10*code + int(digit-'0')
		}
		c.want(code, command[4:])
	}
	if len(changes) > 0 || len(s.transfers) > 0 {
		t.Errorf("%d changes and %d transfers were recorded, want none", len(changes), len(s.transfers))
	}
}

// errAny stands for any error.
var errAny = errors.New("any")

func TestARefusedChangeIsRecorded(t *testing.T) {
	s, changes := startRecording(t, ownEngine, nil)
	c := s.guest()
	c.want(550, "DELE f")
	if x := next(t, changes); x.User != "anonymous" || x.Status != 550 || !errors.Is(x.Err, fs.ErrPermission) || x.Outcome.String() != "cut" {
		t.Errorf("got %+v", x)
	}
}

func TestChangesAndTransfersAreRecordedApart(t *testing.T) {
	registry := new(live.Registry)
	var ops []string
	registry.OnChange = func(x live.Record) { ops = append(ops, "change "+x.Op) }
	registry.OnTransfer = func(x live.Record) { ops = append(ops, "transfer "+x.Op) }
	s, changes := startRecording(t, ownEngine, func(srv *ftpd.Server) { srv.Live = registry })
	c := s.login()
	c.put(epsv, "STOR new", strings.NewReader("x"))
	c.want(250, "DELE new")
	c.get(epsv, "RETR f")
	c.want(257, "MKD new")
	c.want(221, "QUIT")
	<-s.disconnects
	if diff := cmp.Diff([]string{"transfer STOR", "change DELE", "transfer RETR", "change MKD"}, ops); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(changes) != 2 || len(s.transfers) != 2 {
		t.Errorf("the hooks of the server got %d changes and %d transfers, want 2 and 2", len(changes), len(s.transfers))
	}
}

func TestTheLibraryRecordsChangesToo(t *testing.T) {
	s, changes := startRecording(t, libraryEngine, nil)
	c := s.login()
	for _, tt := range []struct {
		commands []string // each with the code of its reply
		want     ftpd.FileChange
	}{
		{[]string{"257 MKD new"}, ftpd.FileChange{Op: "MKD", Path: "/new", Status: 257}},
		{[]string{"250 RMD new"}, ftpd.FileChange{Op: "RMD", Path: "/new", Status: 250}},
		{[]string{"350 RNFR f", "250 RNTO g"}, ftpd.FileChange{Op: "RNTO", Path: "/f", NewPath: "/g", Status: 250}},
		{[]string{"213 MFMT 20200101000000 g"}, ftpd.FileChange{Op: "MFMT", Path: "/g", Status: 213}},
		{[]string{"200 SITE CHMOD 600 g"}, ftpd.FileChange{Op: "SITE CHMOD", Path: "/g", Status: 200}},
		{[]string{"250 DELE g"}, ftpd.FileChange{Op: "DELE", Path: "/g", Status: 250}},
	} {
		t.Run(tt.want.Op, func(t *testing.T) {
			for _, command := range tt.commands {
				code := 0
				for _, digit := range command[:3] {
					code = 10*code + int(digit-'0')
				}
				c.want(code, command[4:])
			}
			got := next(t, changes)
			if got.User != "u" || got.Err != nil || !got.Remote.IsValid() || got.Op != tt.want.Op || got.Path != tt.want.Path || got.NewPath != tt.want.NewPath || got.Status != tt.want.Status {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
