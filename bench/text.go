package bench

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func notGraphic(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }

// plain returns s without characters that move the cursor of a terminal, break a
// line or are invalid in XML. Names in a report come from servers and from files.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// cut returns s in at most width columns, with an ellipsis if it is cut.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return string([]rune(s)[:width-1]) + "…"
}

// wrap breaks s into lines of at most width columns. Lines after the first begin
// with indent. A longer word has a line of its own.
func wrap(s string, width int, indent string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n <= width:
			b.WriteByte(' ')
			column++
		default:
			b.WriteString("\n" + indent)
			column = len(indent)
		}
		b.WriteString(word)
		column += n
	}
	return b.String() + "\n"
}

// right and left pad s to width columns.
func right(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))) + s
}

func left(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// decimals returns how many digits after the point a value of this size needs to
// have three digits or more.
func decimals(v float64) int {
	if v == 0 {
		return 0
	}
	return min(max(2-int(math.Floor(math.Log10(math.Abs(v)))), 0), 6)
}

// number returns v with three digits or more.
func number(v float64) string { return strconv.FormatFloat(v, 'f', decimals(v), 64) }

// percent returns a part as a whole percentage, or "<1%" or ">999%".
func percent(part float64) string {
	switch {
	case part > 0 && part < 0.005:
		return "<1%"
	case part > 9.99:
		return ">999%"
	}
	return strconv.FormatFloat(part*100, 'f', 0, 64) + "%"
}
