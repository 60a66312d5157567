// Package show formats figures, names and tables for a terminal.
//
//	show.Bytes(98_100_000)    "98.1 MB"
//	show.Time(92 * time.Second) "1:32"
//	show.Plain("a\x1b[2Jb")   `a\x1b[2Jb`, which clears no screen
//
// Names from clients or processes are untrusted: everything that is printed of them
// passes Plain.
package show

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Plain returns s with unprintable characters and invalid UTF-8 as Go escapes: nothing
// in it can move the cursor, end a line, or change the direction of text.
func Plain(s string) string {
	var b strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// OrDash is Plain, but "-" for "".
func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return Plain(s)
}

// PlainJSON is Plain for the output of encoding/json, with JSON escapes. The decoded
// value stays the same.
func PlainJSON(text []byte) []byte {
	if !bytes.ContainsFunc(text, isHidden) {
		return text
	}
	var b []byte
	for _, r := range string(text) { // encoding/json writes valid UTF-8
		if isHidden(r) {
			b = fmt.Appendf(b, `\u%04x`, r)
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// isHidden reports whether a character of JSON is unprintable. Below DEL, JSON has only
// the spaces between values; characters above U+FFFF control nothing.
func isHidden(r rune) bool { return r >= 0x7f && r <= 0xffff && !unicode.IsPrint(r) }

// Bytes returns a size with three digits, in powers of 1000: "0 B", "1.02 kB",
// "98.1 MB".
func Bytes[N int | int64 | uint64 | float64](n N) string {
	v, unit := float64(n), "B"
	for _, larger := range []string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		if v < 999.5 { // rounds to 1000
			break
		}
		v, unit = v/1000, larger
	}
	digits := 0
	if unit != "B" {
		digits = max(2-int(math.Log10(v*1.0005)), 0) // 9.996 rounds to 10.0
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + unit
}

// Rate returns bytes per second, as "98.1 MB/s".
func Rate(perSecond float64) string { return Bytes(perSecond) + "/s" }

// Time returns a duration in at most six columns: "0:07", "12:34", "3h12m",
// "2d03h", "120d".
func Time(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	switch minutes, hours := s/60, s/3600; {
	case hours == 0:
		return fmt.Sprintf("%d:%02d", minutes, s%60)
	case hours < 24:
		return fmt.Sprintf("%dh%02dm", hours, minutes%60)
	case hours < 24*100:
		return fmt.Sprintf("%dd%02dh", hours/24, hours%24)
	case hours < 24*99_999:
		return fmt.Sprintf("%dd", hours/24)
	}
	return "never"
}

// Width returns the columns of s on a terminal, without escape sequences of colour.
func Width(s string) int { return ansi.StringWidth(s) }

// Cut returns s cut to width columns, with an ellipsis at the end if it was longer.
func Cut(s string, width int) string { return ansi.Truncate(s, max(width, 0), "…") }

// CutLeft is Cut with the ellipsis in front, for paths, whose end matters most.
func CutLeft(s string, width int) string {
	has := Width(s)
	switch {
	case has <= width:
		return s
	case width < 1:
		return ""
	}
	kept := ansi.TruncateLeft(s, has-width+1, "")
	if Width(kept) >= width { // a wide character takes the last two columns
		kept = ansi.TruncateLeft(s, has-width+2, "")
	}
	return "…" + kept
}

// Side is the alignment of a column.
type Side uint8

// The sides.
const (
	Left Side = iota
	Right
)

// Pad pads s with spaces to width, aligned to a side.
func Pad(s string, width int, side Side) string {
	space := strings.Repeat(" ", max(width-Width(s), 0))
	if side == Right {
		return space + s
	}
	return s + space
}
