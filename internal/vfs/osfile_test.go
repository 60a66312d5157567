package vfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// A file that says what it hides.
type saying struct {
	afero.File
	hidden *os.File
}

func (s saying) OSFile() *os.File { return s.hidden }

// A file that may change every byte, and has all methods of an *os.File.
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
		{"one that a wrapper names", saying{memory, f}, f},
		{"one that a wrapper below a BasePathFs names", &afero.BasePathFile{File: saying{memory, f}}, f},
		{"one that a wrapper does not have", saying{memory, nil}, nil},
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
