package list_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
)

// now is the time of all listings.
var now = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// info describes a file of five bytes.
func info(t *testing.T, mode fs.FileMode, modified time.Time) fs.FileInfo {
	t.Helper()
	fi, err := fs.Lstat(fstest.MapFS{"f": {Data: []byte("12345"), Mode: mode, ModTime: modified}}, "f")
	if err != nil {
		t.Fatal(err)
	}
	return fi
}

func TestLines(t *testing.T) {
	minute := now.Add(-time.Minute)
	east := time.FixedZone("east", 5*60*60)
	for _, tt := range []struct {
		name   string
		mode   fs.FileMode
		time   time.Time
		listed string
		kind   string
		long   string
		facts  string
	}{
		{
			"a file", 0o644, minute, "f", "",
			"-rw-r--r-- 1 ftp      ftp                 5 Jul  1 11:59 f\r\n",
			"type=file;size=5;modify=20260701115900;perm=r;UNIX.mode=0644; f\r\n",
		},
		{
			"a directory, which has no size", fs.ModeDir | 0o755, minute, "d", "",
			"drwxr-xr-x 1 ftp      ftp                 0 Jul  1 11:59 d\r\n",
			"type=dir;modify=20260701115900;perm=el;UNIX.mode=0755; d\r\n",
		},
		{
			"the current directory", fs.ModeDir | 0o755, minute, ".", "cdir",
			"drwxr-xr-x 1 ftp      ftp                 0 Jul  1 11:59 .\r\n",
			"type=cdir;modify=20260701115900;perm=el;UNIX.mode=0755; .\r\n",
		},
		{
			"the time in UTC", 0o600, now.In(east), "f", "",
			"-rw------- 1 ftp      ftp                 5 Jul  1 12:00 f\r\n",
			"type=file;size=5;modify=20260701120000;perm=r;UNIX.mode=0600; f\r\n",
		},
		{
			"the year of an old file", 0, now.AddDate(-1, 0, 0), "f", "",
			"---------- 1 ftp      ftp                 5 Jul  1  2025 f\r\n",
			"type=file;size=5;modify=20250701120000;perm=r;UNIX.mode=00; f\r\n",
		},
		{
			"the year of a file from the future", 0o644, now.Add(time.Hour), "f", "",
			"-rw-r--r-- 1 ftp      ftp                 5 Jul  1  2026 f\r\n",
			"type=file;size=5;modify=20260701130000;perm=r;UNIX.mode=0644; f\r\n",
		},
		{
			"no bits but those of ls", fs.ModeSetuid | fs.ModeSticky | 0o777, minute, "f", "",
			"-rwxrwxrwx 1 ftp      ftp                 5 Jul  1 11:59 f\r\n",
			"type=file;size=5;modify=20260701115900;perm=r;UNIX.mode=0777; f\r\n",
		},
		{
			"no control characters", 0o644, minute, "a\r\n\x1b\x7fü\xff", "",
			"-rw-r--r-- 1 ftp      ftp                 5 Jul  1 11:59 a????ü\xff\r\n",
			"type=file;size=5;modify=20260701115900;perm=r;UNIX.mode=0644; a????ü\xff\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := list.View{Now: now, Rights: account.ReadOnly, HostIDs: true, Facts: list.AllFacts}
			it := list.Item{Info: info(t, tt.mode, tt.time), Name: tt.listed, Type: tt.kind}
			_, name, _ := strings.Cut(tt.facts, "; ")
			for command, want := range map[string]string{"LIST": tt.long, "NLST": name, "MLSD": tt.facts} {
				if got := string(list.FormatOf(command)(&v, []byte("before|"), it)); got != "before|"+want {
					t.Errorf("%s: got %q, want %q", command, got, want)
				}
			}
		})
	}
	if list.FormatOf("RETR") != nil {
		t.Error("RETR has a format")
	}
}
