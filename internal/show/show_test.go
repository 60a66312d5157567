package show

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestPlain(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"keeps printable characters", "Grüße 日本語 a b.iso", "Grüße 日本語 a b.iso"},
		{"shows escapes", "a\x1b[2J\r\n\tb", `a\x1b[2J\r\n\tb`},
		{"shows invalid UTF-8", "a\xff\xc3(", `a\xff\xc3(`},
		{"keeps U+FFFD", "a�", "a�"},
		{"shows what changes the direction of text", "a\u202eb", `a\u202eb`},
		{"shows unusual spaces", "a\u00a0\u2028b", `a\u00a0\u2028b`},
		{"keeps the empty string", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Plain(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOrDash(t *testing.T) {
	for in, want := range map[string]string{"": "-", "-": "-", "a b": "a b", "a\nb": `a\nb`} {
		if got := OrDash(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Plain(s)
		for _, r := range got {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("Plain(%q) = %q, which has a control character", s, got)
			}
		}
		if again := Plain(got); again != got {
			t.Errorf("Plain(%q) = %q, want no change", got, again)
		}
	})
}

func FuzzPlainJSON(f *testing.F) {
	f.Add("a\x1b[2J\u009b\u0085\u2028\u202e\ufeff\x7f\xff 日本 \U000e0001\"\\")
	f.Fuzz(func(t *testing.T, s string) {
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		got := PlainJSON(written)
		for _, r := range string(got) {
			if r <= 0xffff && !unicode.IsPrint(r) {
				t.Fatalf("%q: got %q, which has an unprintable character", s, got)
			}
		}
		var want, back string
		if err := json.Unmarshal(written, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &back); err != nil || back != want {
			t.Errorf("%q: it means %q, %v, want %q", s, back, err, want)
		}
	})
}

func TestBytes(t *testing.T) {
	for _, tt := range []struct {
		in   float64
		want string
	}{
		{0, "0 B"}, {999, "999 B"}, {999.6, "1.00 kB"}, {1000, "1.00 kB"}, {1024, "1.02 kB"}, {9_994, "9.99 kB"}, {9_996, "10.0 kB"},
		{99_960, "100 kB"}, {98_100_000, "98.1 MB"}, {999_499_999, "999 MB"}, {999_500_000, "1.00 GB"}, {1.844e19, "18.4 EB"},
	} {
		if got := Bytes(tt.in); got != tt.want {
			t.Errorf("Bytes(%v) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got, want := Rate(1500), "1.50 kB/s"; got != want {
		t.Errorf("Rate: got %q, want %q", got, want)
	}
}

func TestTime(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		in   time.Duration
		want string
	}{
		{-time.Second, "0:00"}, {400 * time.Millisecond, "0:00"}, {7 * time.Second, "0:07"}, {59*time.Second + 600*time.Millisecond, "1:00"},
		{12*time.Minute + 34*time.Second, "12:34"}, {3*time.Hour + 12*time.Minute, "3h12m"}, {2*day + 3*time.Hour, "2d03h"},
		{99 * day, "99d00h"}, {120 * day, "120d"}, {1 << 62, "53375d"}, {1<<63 - 1, "never"},
	} {
		if got := Time(tt.in); got != tt.want {
			t.Errorf("Time(%v) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in         string
		width      int
		want, left string
	}{
		{"short", 5, "short", "short"},
		{"longer", 5, "long…", "…nger"},
		{"日本語", 4, "日…", "…語"},
		{"日本語", 5, "日本…", "…本語"},
		{"x", 0, "", ""},
		{"x", -1, "", ""},
	} {
		if got := Cut(tt.in, tt.width); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
		if got := CutLeft(tt.in, tt.width); got != tt.left {
			t.Errorf("CutLeft(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.left)
		}
	}
}

func TestTable(t *testing.T) {
	got := Table([]Column{{"PID", Right}, {"NAME", Left}, {"WHAT", Left}}, [][]string{{"1", "日本", "a"}, {"4711", "x", ""}})
	want := strings.Join([]string{
		" PID  NAME  WHAT",
		"   1  日本  a",
		"4711  x",
		"",
	}, "\n")
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestBar(t *testing.T) {
	for _, tt := range []struct {
		part float64
		want string
	}{
		{-1, "····"}, {0, "····"}, {1. / 32, "▏···"}, {.5, "██··"}, {.6, "██▍·"}, {1, "████"}, {7, "████"},
	} {
		if got := Bar(tt.part, 4); got != tt.want {
			t.Errorf("Bar(%v) = %q, want %q", tt.part, got, tt.want)
		}
	}
}
