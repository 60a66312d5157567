package vfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// wrapper is a file with a method OSFile.
type wrapper struct {
	afero.File
	hidden *os.File
}

func (s wrapper) OSFile() *os.File { return s.hidden }

// embedding has all methods of an *os.File, and might change the content.
type embedding struct{ *os.File }

func TestOSFile(t *testing.T) {
	f, err := os.Create(filepath.Join(nettest.TempDir(t), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	memory, err := afero.NewMemMapFs().Create("/f")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		file afero.File
		want *os.File
	}{
		{"an *os.File", f, f},
		{"one below two BasePathFs", &afero.BasePathFile{File: &afero.BasePathFile{File: f}}, f},
		{"one that a wrapper returns", wrapper{memory, f}, f},
		{"one that a wrapper below a BasePathFs returns", &afero.BasePathFile{File: wrapper{memory, f}}, f},
		{"a wrapper that returns nil", wrapper{memory, nil}, nil},
		{"one that is embedded", embedding{f}, nil},
		{"one that is embedded by reference", &embedding{f}, nil},
		{"a file in memory", memory, nil},
		{"a nil *os.File", (*os.File)(nil), nil},
		{"nil", nil, nil},
		{"a BasePathFile of nothing", &afero.BasePathFile{}, nil},
	} {
		if got, ok := vfs.OSFile(tt.file); got != tt.want || ok != (tt.want != nil) {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, ok, tt.want)
		}
	}
}
