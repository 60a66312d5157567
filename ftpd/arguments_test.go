package ftpd_test

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
)

func TestCutQuoted(t *testing.T) {
	for _, tt := range []struct{ in, name, rest string }{
		{"a b", "a b", ""},
		{`"a b"`, "a b", ""},
		{`"a b" 1 2`, "a b", "1 2"},
		{`"a ""b""" 1`, `a "b"`, "1"},
		{`""`, "", ""},
		{`"a`, `"a`, ""},
		{`"a""`, `"a""`, ""},
		{`a"b"`, `a"b"`, ""},
		{"", "", ""},
	} {
		if name, rest := ftpd.CutQuoted(tt.in); name != tt.name || rest != tt.rest {
			t.Errorf("CutQuoted(%q) = %q, %q, want %q, %q", tt.in, name, rest, tt.name, tt.rest)
		}
	}
}

func TestWithoutOptions(t *testing.T) {
	for _, tt := range []struct {
		in, want  string
		recursive bool
	}{
		{"", "", false}, {"d", "d", false}, {"-la", "", false}, {"-la d", "d", false}, {"-a -l d e", "d e", false},
		{"-a  d", "d", false}, {"d -a", "d -a", false}, {"-", "", false}, {"-R", "", true}, {"-lR -a d", "d", true},
		{"R", "R", false}, {"d -R", "d -R", false},
	} {
		if got, recursive := ftpd.WithoutOptions(tt.in); got != tt.want || recursive != tt.recursive {
			t.Errorf("WithoutOptions(%q) = %q, %v, want %q, %v", tt.in, got, recursive, tt.want, tt.recursive)
		}
	}
}

// The parsers return valid results for any argument.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{
		"", "f", `"a ""b""" 0 10`, "20200102030405 f", "20200102030405.123 f", "202001020304 f",
		"a b 20200102030405 20200102030405 20200102030405 UTC", "  20200102030405  UTC", "0755 f", "-la d", "18446744073709551615", "+1", "1 2",
	} {
		f.Add(seed, int64(100))
	}
	f.Fuzz(func(t *testing.T, arg string, size int64) {
		if name, rest := ftpd.CutQuoted(arg); len(name)+len(rest) > len(arg) {
			t.Errorf("CutQuoted(%q) = %q, %q: longer than the argument", arg, name, rest)
		}
		if first, end, ok := ftpd.ParseSpan(arg, size); ok && (first < 0 || first > end || end > size) {
			t.Errorf("ParseSpan(%q, %d) = %d, %d", arg, size, first, end)
		}
		if n, ok := ftpd.ParseOffset(arg); ok && (n < 0 || strings.Trim(arg, "0123456789") != "") {
			t.Errorf("ParseOffset(%q) = %d", arg, n)
		}
		if mode, ok := ftpd.ParseMode(arg); ok && mode&^fs.ModePerm != 0 {
			t.Errorf("ParseMode(%q) = %v", arg, mode)
		}
		for _, cut := range []func(string) (time.Time, string, bool){ftpd.CutTime, ftpd.CutMinutes, ftpd.CutThreeTimes} {
			if when, name, ok := cut(arg); ok && (name == "" || !strings.Contains(arg, name) || when.IsZero() && !strings.HasPrefix(arg, "0001")) {
				t.Errorf("%q is %v and %q", arg, when, name)
			}
		}
		if got, _ := ftpd.WithoutOptions(arg); !strings.HasSuffix(arg, got) || strings.HasPrefix(got, "-") {
			t.Errorf("WithoutOptions(%q) = %q", arg, got)
		}
	})
}
