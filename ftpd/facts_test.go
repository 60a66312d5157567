package ftpd_test

import (
	"os"
	"path/filepath"
	"testing"

	"sluice/ftpd"
	"sluice/internal/account"
)

func TestPermTellsWhatTheUserMayDo(t *testing.T) {
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
		{"all of the one above", account.All, ".", "..", "pdir", "celmp"},
		{"all of the root", account.All, ".", "/", "", "celmp"},
		{"reading a file", account.ReadOnly, "f", "f", "", "r"},
		{"reading a directory", account.ReadOnly, ".", "d", "", "el"},
		{"a box to drop files in", account.Create, ".", "d", "", "cem"},
		{"a file in such a box", account.Create, "f", "f", "", ""},
		{"nothing of a file", 0, "f", "f", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info, err := os.Stat(filepath.Join(dir, tt.of))
			if err != nil {
				t.Fatal(err)
			}
			if got := ftpd.Perm(tt.rights, info, tt.listed, tt.kind); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
