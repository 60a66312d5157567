package vfs_test

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/internal/vfs"
)

func TestCleanReturnsTheCanonicalForm(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, want string }{
		{"", "."},
		{".", "."},
		{"/", "."},
		{"//", "."},
		{"./.", "."},
		{"..", "."},
		{"../..", "."},
		{"/..", "."},
		{"a/..", "."},
		{"a", "a"},
		{"/a", "a"},
		{"//a", "a"},
		{"a/", "a"},
		{"a//b", "a/b"},
		{"a/./b", "a/b"},
		{"/a/b/../c", "a/c"},
		{"a/../../etc/passwd", "etc/passwd"},
		{"../etc/passwd", "etc/passwd"},
		{"/../../etc/passwd", "etc/passwd"},
		{"//etc/passwd", "etc/passwd"},
		{"...", "..."},
		{"..a", "..a"},
		{" ", " "},
		{"~", "~"},
		{"%2e%2e/x", "%2e%2e/x"},
		{`..\..\x`, `..\..\x`},
		{"a\nb", "a\nb"},
		{"\xff\xfe", "\xff\xfe"},
	}
	for _, tt := range tests {
		got, err := vfs.Clean(tt.name)
		if err != nil || got != tt.want {
			t.Errorf("Clean(%q): got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestCleanRefusesNUL(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"\x00", "a\x00", "/a\x00/../b", "..\x00"} {
		if got, err := vfs.Clean(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Clean(%q): got %q, %v, want %v", name, got, err, fs.ErrInvalid)
		}
	}
}

func TestCleanOfACleanNameDoesNotAllocate(t *testing.T) {
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := vfs.Clean("/already/clean/name"); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("got %v allocations, want 0", allocs)
	}
}

func FuzzClean(f *testing.F) {
	for _, name := range []string{
		"", "/", ".", "..", "/a/b", "a/../../b", "//x//", "a\x00b", `a\..\b`, "\xff/\xfe", "a/./..//...", "\n",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := vfs.Clean(name)
		if strings.Contains(name, "\x00") {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Fatalf("Clean(%q): got %q, %v, want %v", name, got, err, fs.ErrInvalid)
			}
			return
		}
		if err != nil {
			t.Fatalf("Clean(%q): %v", name, err)
		}
		if utf8.ValidString(name) && !fs.ValidPath(got) {
			t.Errorf("Clean(%q): got %q, which io/fs refuses", name, got)
		}
		elements := strings.Split(got, "/")
		if slices.Contains(elements, "..") || slices.Contains(elements, "") || path.IsAbs(got) {
			t.Errorf("Clean(%q): got %q, which may climb", name, got)
		}
		if slices.Contains(elements, ".") && got != "." {
			t.Errorf("Clean(%q): got %q, which has a \".\" element", name, got)
		}
		for _, same := range []string{got, "/" + got, "/" + name, name + "/", "./" + got, "../" + got} {
			// Slashes before and after, and climbing above the root, make no difference.
			if again, err := vfs.Clean(same); again != got || err != nil {
				t.Errorf("Clean(%q): got %q, %v, want %q as for %q", same, again, err, got, name)
			}
		}
	})
}

func TestIsHidden(t *testing.T) {
	for name, want := range map[string]bool{
		"/": false, "": false, "/a": false, "a.b": false, "/a./b": false, "..": false, "/a/../b": false, "./a": false,
		"/.env": true, ".env": true, "/a/.git/config": true, "/.git/a": true, "/...": true,
		"/.well-known": false, "/.well-known/acme-challenge/x": false, "/a/.well-known/b": false, "/.well-known/.x": true,
		"/.Well-Known": true,
	} {
		if got := vfs.IsHidden(name); got != want {
			t.Errorf("IsHidden(%q) = %v, want %v", name, got, want)
		}
	}
}
