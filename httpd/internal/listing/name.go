package listing

import (
	"fmt"
	"html"
	"strings"
	"unicode"
)

// HTML returns a name as the content of an element: valid UTF-8, set apart from what stands around it, so that a name in
// Arabic does not turn that round, and with nothing that shows it as another name. Each control character, and each that
// changes the direction of text, appears as its escape in Go: "evil\u202efdp.exe" does not end in ".pdf".
func HTML(name string) string {
	if isPlain(name) {
		return html.EscapeString(name)
	}
	return "<bdi>" + htmlOf(name) + "</bdi>"
}

// htmlOf is HTML for a place that takes no elements, such as a title.
func htmlOf(name string) string {
	if isPlain(name) {
		return html.EscapeString(name)
	}
	var b strings.Builder
	for _, r := range name { // an invalid byte is U+FFFD
		if isDeceptive(r) {
			escape(&b, r)
		} else {
			b.WriteRune(r)
		}
	}
	return html.EscapeString(b.String())
}

// isPlain reports whether a name has only printable ASCII.
func isPlain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// escape writes a character as Go and JSON do.
func escape(b *strings.Builder, r rune) { _, _ = fmt.Fprintf(b, `\u%04x`, r) }

// isDeceptive reports whether a character is shown as nothing and changes how others are shown: a control character, the
// separators of lines and paragraphs, or one of Unicode's Bidi_Control.
func isDeceptive(r rune) bool {
	switch {
	case r < 0x80:
		return r < ' ' || r == 0x7f
	case '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return true
	case r == '\u061c', r == '\u200e', r == '\u200f', r == '\u2028', r == '\u2029':
		return true
	}
	return unicode.IsControl(r)
}
