package list_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
)

// A client that removes a tree enters everything that a listing shows as a directory, and
// skips everything that it does not show.
func TestLinksAndSpecialFilesAreListedByTheirType(t *testing.T) {
	const when = "Jul  1 11:59"
	minute, hour := now.Add(-time.Minute), now.Add(-time.Hour)
	link, file, dir := info(t, fs.ModeSymlink|0o777, minute), info(t, 0o640, hour), info(t, fs.ModeDir|0o750, hour)
	for _, tt := range []struct {
		name  string
		info  fs.FileInfo
		link  *list.Link
		long  string // without owner, group and date
		facts string
	}{
		{
			"a link to a directory", link, &list.Link{Target: "../d", End: dir},
			"lrwxrwxrwx 4 x -> ../d", "type=OS.unix=slink:../d;modify=20260701115900;perm=defl;UNIX.mode=0777; x",
		},
		{
			"a link to a file, which MLSD shows as a file", link, &list.Link{Target: "f", End: file},
			"lrwxrwxrwx 1 x -> f", "type=file;size=5;modify=20260701110000;perm=adfrw;UNIX.mode=0640; x",
		},
		{
			"a link that leads nowhere", link, &list.Link{Target: "gone"},
			"lrwxrwxrwx 4 x -> gone", "type=OS.unix=slink:gone;modify=20260701115900;perm=df;UNIX.mode=0777; x",
		},
		{
			"a link that leads out", link, &list.Link{},
			"lrwxrwxrwx 0 x", "type=OS.unix=slink;modify=20260701115900;perm=df;UNIX.mode=0777; x",
		},
		{
			"a link without information", link, nil,
			"lrwxrwxrwx 0 x", "type=OS.unix=slink;modify=20260701115900;perm=df;UNIX.mode=0777; x",
		},
		{
			"a target with a space", link, &list.Link{Target: "a b", End: dir},
			"lrwxrwxrwx 3 x -> a b", "type=OS.unix=slink;modify=20260701115900;perm=defl;UNIX.mode=0777; x",
		},
		{
			"a target with a semicolon", link, &list.Link{Target: "a;b", End: dir},
			"lrwxrwxrwx 3 x -> a;b", "type=OS.unix=slink;modify=20260701115900;perm=defl;UNIX.mode=0777; x",
		},
		{
			"a target with a line feed", link, &list.Link{Target: "a\r\nb", End: dir},
			"lrwxrwxrwx 0 x", "type=OS.unix=slink;modify=20260701115900;perm=defl;UNIX.mode=0777; x",
		},
		{
			"a target that is not UTF-8", link, &list.Link{Target: "caf\xe9", End: dir},
			"lrwxrwxrwx 4 x -> caf\xe9", "type=OS.unix=slink:caf\xe9;modify=20260701115900;perm=defl;UNIX.mode=0777; x",
		},
		{
			"a FIFO", info(t, fs.ModeNamedPipe|0o600, minute), nil,
			"prw------- 0 x", "type=OS.unix=fifo;modify=20260701115900;perm=df;UNIX.mode=0600; x",
		},
		{
			"a socket", info(t, fs.ModeSocket|0o755, minute), nil,
			"srwxr-xr-x 0 x", "type=OS.unix=socket;modify=20260701115900;perm=df;UNIX.mode=0755; x",
		},
		{
			"a character device", info(t, fs.ModeDevice|fs.ModeCharDevice|0o666, minute), nil,
			"crw-rw-rw- 0 x", "type=OS.unix=chr;modify=20260701115900;perm=df;UNIX.mode=0666; x",
		},
		{
			"a block device", info(t, fs.ModeDevice|0o660, minute), nil,
			"brw-rw---- 0 x", "type=OS.unix=blk;modify=20260701115900;perm=df;UNIX.mode=0660; x",
		},
		{
			"a junction", info(t, fs.ModeIrregular|0o777, minute), nil,
			"lrwxrwxrwx 0 x", "type=OS.unix=slink;modify=20260701115900;perm=df;UNIX.mode=0777; x",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := list.View{Now: now, Rights: account.All, Facts: list.AllFacts}
			it := list.Item{Info: tt.info, Link: tt.link, Name: "x"}
			mode, rest, _ := strings.Cut(tt.long, " ")
			size, name, _ := strings.Cut(rest, " ")
			long := mode + " 1 ftp      ftp      " + strings.Repeat(" ", 12-len(size)) + size + " " + when + " " + name
			for command, want := range map[string]string{"LIST": long, "NLST": "x", "MLSD": tt.facts} {
				if got := string(list.FormatOf(command)(&v, nil, it)); got != want+"\r\n" {
					t.Errorf("%s: got %q, want %q", command, got, want)
				}
			}
		})
	}
}

func TestPermOfALinkPromisesNoMoreThanTheRights(t *testing.T) {
	link, dir := info(t, fs.ModeSymlink|0o777, now), info(t, fs.ModeDir|0o755, now)
	for _, tt := range []struct {
		rights       account.Rights
		toDir, toNil string
	}{
		{account.All, "defl", "df"}, {account.ReadOnly, "el", ""}, {account.Create, "e", ""}, {account.Delete, "de", "d"},
	} {
		v := list.View{Rights: tt.rights, Facts: list.ParseFacts("perm")}
		for end, want := range map[fs.FileInfo]string{dir: tt.toDir, nil: tt.toNil} {
			got := string(v.AppendFacts(nil, list.Item{Info: link, Link: &list.Link{End: end}, Name: "x"}))
			if got != "perm="+want+"; x\r\n" {
				t.Errorf("rights %b: got %q, want %q", tt.rights, got, want)
			}
		}
	}
}

// The fact shows a client that the link and the directory are the same.
func TestALinkHasTheUniqueFactOfItsDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(".", filepath.Join(dir, "l")); err != nil {
		t.Skip(err)
	}
	itself, err := os.Lstat(filepath.Join(dir, "l"))
	if err != nil {
		t.Fatal(err)
	}
	end, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	v := list.View{Facts: list.ParseFacts("unique")}
	of := func(info fs.FileInfo, link *list.Link) string {
		return string(v.AppendFacts(nil, list.Item{Info: info, Link: link, Name: "x"}))
	}
	linked, direct, lost := of(itself, &list.Link{End: end}), of(end, nil), of(itself, new(list.Link))
	if linked != direct || lost == direct && lost != " x\r\n" {
		t.Errorf("a link has %q, its directory %q, a dangling link %q", linked, direct, lost)
	}
}
