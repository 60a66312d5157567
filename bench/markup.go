package bench

import (
	"fmt"
	"html"
	"strings"
)

// A markup is HTML or SVG that is being made. It is well-formed XML too.
type markup struct{ strings.Builder }

// add appends format, in which each %s stands for a value: for text, or for an
// attribute within double quotes. Values may be hostile: they remain text, without
// control characters. Nothing but constants may be in the format.
func (m *markup) add(format string, values ...string) {
	safe := make([]any, len(values))
	for i, v := range values {
		safe[i] = html.EscapeString(plain(v))
	}
	_, _ = fmt.Fprintf(m, format, safe...)
}

// raw appends markup.
func (m *markup) raw(s string) { _, _ = m.WriteString(s) }
