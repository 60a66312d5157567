package archive_test

import (
	"context"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"sluice/internal/archive"
)

func TestNamesNeverLeadOut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"a plain name", "file.txt", "file.txt"},
		{"a path", "a/b/c", "a/b/c"},
		{"spaces and odd characters", " a?*<>|\"' :b", " a?*<>|\"' :b"},
		{"an absolute path", "/etc/passwd", "etc/passwd"},
		{"two slashes", "//host/share", "host/share"},
		{"dot dot", "../../etc/passwd", "etc/passwd"},
		{"dot dot inside", "a/../../b", "b"},
		{"dots that are a name", "a/.../..b", "a/.../..b"},
		{"empty elements", "a//./b/", "a/b"},
		{"backslashes", `..\..\windows\system32`, ".._.._windows_system32"},
		{"a drive", `C:\autoexec.bat`, "C__autoexec.bat"},
		{"a drive and a relative path", "c:evil", "c_evil"},
		{"a drive behind a slash", "/C:/x", "C_/x"},
		{"a time of day", "10:30", "10:30"},
		{"NUL", "a\x00.txt", "a_.txt"},
		{"a new line and an escape", "a\nb\x1b[31m\x7f", "a_b_[31m_"},
		{"a name that is not UTF-8", "\xff\xfe", "\xff\xfe"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, l := range layouts {
				got := l.read(t, assemble(t, lay(t, l, []archive.Entry{newFile(t, tt.in, "x")})))
				compare(t, got, []item{file(tt.want, 0o644, "x")})
			}
		})
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	empty := func(name string) archive.Entry { return archive.Entry{Name: name} }
	tests := []struct {
		name    string
		entries []archive.Entry
		want    string
	}{
		{"no name", []archive.Entry{empty("")}, `without a name: ""`},
		{"the top", []archive.Entry{empty("/.")}, `without a name: "/."`},
		{"above the top", []archive.Entry{empty("../..")}, `without a name: "../.."`},
		{"two of one name", []archive.Entry{empty("a"), empty("b"), empty("a")}, `two entries are called "a"`},
		{"a file and a directory", []archive.Entry{empty("a"), folder("a")}, `two entries are called "a"`},
		{"two that become one", []archive.Entry{empty("x/a_b"), empty(`x/a\b`)}, `two entries are called "x/a_b"`},
		{"a very long name", []archive.Entry{empty(strings.Repeat("x", 65_001))}, "longer than"},
		{"a negative size", []archive.Entry{{Name: "a", Size: -1}}, "negative size"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, l := range layouts {
				parts, err := l.lay(tt.entries)
				if err == nil || !strings.Contains(err.Error(), tt.want) || parts != nil {
					t.Errorf("%s: got %d parts, %v, want an error with %q", l.name, len(parts), err, tt.want)
				}
			}
		})
	}
}

func TestLongestNameFits(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("0123456789/", 65_000/11)
	for _, l := range layouts {
		got := l.read(t, assemble(t, lay(t, l, []archive.Entry{folder(name)})))
		compare(t, got, []item{file(name, fs.ModeDir|0o755, "")})
	}
}

// For every name and time of a file both archives can be read, and its name in them is safe.
func FuzzNames(f *testing.F) {
	f.Add("a/b.txt", "größe", int64(1e9), true)
	f.Add("../../x", `C:\x`, int64(-1), false)
	f.Add("\xff/\x00", "a\nb", int64(1<<40), true)
	f.Fuzz(func(t *testing.T, a, b string, seconds int64, dir bool) {
		null := func() (archive.File, error) { return nil, os.ErrInvalid }
		entries := []archive.Entry{
			{Name: a, Modified: time.Unix(seconds%1e13, 0), Dir: dir, Open: null},
			{Name: b, Modified: then, Mode: 0o644},
		}
		for _, l := range layouts {
			parts, err := l.lay(entries)
			if err != nil {
				continue // the name is refused
			}
			var whole []byte
			for _, part := range parts {
				made, err := part.Bytes(context.Background())
				if err != nil || int64(len(made)) != part.Size {
					t.Fatalf("%s: got %d bytes, %v, want %d", l.name, len(made), err, part.Size)
				}
				whole = append(whole, made...)
			}
			got := l.read(t, whole)
			if len(got) != 2 {
				t.Fatalf("%s: got %v, want two entries", l.name, got)
			}
			for i, item := range got {
				name := strings.TrimSuffix(item.name, "/")
				if path.Clean("/"+name) != "/"+name || strings.ContainsAny(name, "\\\x00\n\x1b") {
					t.Errorf("%s: %q became %q", l.name, entries[i].Name, item.name)
				}
				if item.mode.IsDir() != entries[i].Dir {
					t.Errorf("%s: %q: directory = %v, want %v", l.name, item.name, item.mode.IsDir(), entries[i].Dir)
				}
			}
		}
	})
}
