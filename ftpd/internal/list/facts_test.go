package list_test

import (
	"os"
	"path/filepath"
	"testing"

	"sluice/ftpd/internal/list"
	"sluice/internal/account"
)

func TestPermShowsTheRightsOfTheUser(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		rights account.Rights
		of     string
		listed string
		kind   string
		want   string
	}{
		{"all of a file", account.All, "f", "f", "", "adfrw"},
		{"all of a directory", account.All, ".", "d", "", "cdeflmp"},
		{"all of the current directory", account.All, ".", ".", "cdir", "celmp"},
		{"all of the parent directory", account.All, ".", "..", "pdir", "celmp"},
		{"all of the root", account.All, ".", "/", "", "celmp"},
		{"reading a file", account.ReadOnly, "f", "f", "", "r"},
		{"reading a directory", account.ReadOnly, ".", "d", "", "el"},
		{"an upload directory", account.Create, ".", "d", "", "cem"},
		{"a file in an upload directory", account.Create, "f", "f", "", ""},
		{"nothing of a file", 0, "f", "f", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info, err := os.Stat(filepath.Join(dir, tt.of))
			if err != nil {
				t.Fatal(err)
			}
			if got := list.Perm(tt.rights, info, tt.listed, tt.kind); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFactsOfOPTS(t *testing.T) {
	for _, tt := range []struct{ arg, want, feature string }{
		{"", "", "type;size;modify;perm;unique;UNIX.mode;"},
		{"size;type;", "type;size;", "type*;size*;modify;perm;unique;UNIX.mode;"},
		{"unix.MODE;Unique", "unique;UNIX.mode;", "type;size;modify;perm;unique*;UNIX.mode*;"},
		{"create;perm;perm;;siz", "perm;", "type;size;modify;perm*;unique;UNIX.mode;"},
	} {
		set := list.ParseFacts(tt.arg)
		if got := set.String(); got != tt.want {
			t.Errorf("ParseFacts(%q) = %q, want %q", tt.arg, got, tt.want)
		}
		if got := set.Feature(); got != tt.feature {
			t.Errorf("ParseFacts(%q).Feature() = %q, want %q", tt.arg, got, tt.feature)
		}
	}
	if got := list.ParseFacts(list.AllFacts.String()); got != list.AllFacts {
		t.Errorf("parsing all facts gives %q", got)
	}
}

func TestAppendFactsShowsOnlyTheChosenFacts(t *testing.T) {
	it := list.Item{Info: info(t, 0o640, now), Name: "f"}
	for arg, want := range map[string]string{
		"": " f\r\n", "size": "size=5; f\r\n", "UNIX.mode;type": "type=file;UNIX.mode=0640; f\r\n", "unique": " f\r\n",
	} {
		v := list.View{Now: now, Facts: list.ParseFacts(arg)}
		if got := string(v.AppendFacts(nil, it)); got != want {
			t.Errorf("%q: got %q, want %q", arg, got, want)
		}
	}
}
