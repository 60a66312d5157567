package accesslog

import (
	"log/slog"
	"strconv"
	"unicode/utf8"

	"sluice/internal/live"
)

// How long the values of clients may be in a line, with all escapes.
const (
	maxPath  = 4096 // also of a target
	maxField = 1024 // of any other value
)

// bound cuts the values of a record that come from the client, so that no request makes a line that is longer than itself
// by far: an escape is up to six bytes long.
func bound(rec *live.Record) {
	for _, path := range []*string{&rec.Target, &rec.Path, &rec.NewPath} {
		*path = cut(*path, maxPath)
	}
	for _, field := range []*string{&rec.Op, &rec.Proto, &rec.User, &rec.Referer, &rec.UserAgent, &rec.Reason} {
		*field = cut(*field, maxField)
	}
}

// cut returns value as far as its escapes take no more than limit bytes in any format, and a mark with the number of bytes
// that it leaves out.
func cut(value string, limit int) string {
	const escape = len(`\u0000`) // the longest
	if len(value) <= limit/escape {
		return value
	}
	n := 0
	for i := range len(value) {
		if c := value[i]; ' ' <= c && c <= '~' && c != '"' && c != '\\' {
			n++
		} else {
			n += escape
		}
		if n > limit {
			for back := i; back > 0 && i-back < utf8.UTFMax; back-- { // not in the middle of a character
				if utf8.RuneStart(value[back]) {
					i = back
					break
				}
			}
			return value[:i] + "...+" + strconv.Itoa(len(value)-i)
		}
	}
	return value
}

// bounded cuts the values of other messages, which can come from clients too.
func bounded(_ []string, a slog.Attr) slog.Attr {
	switch value := a.Value.Any().(type) {
	case string:
		if short := cut(value, maxPath); len(short) != len(value) {
			a.Value = slog.StringValue(short)
		}
	case error:
		if text := value.Error(); len(text) > maxPath/6 {
			a.Value = slog.StringValue(cut(text, maxPath))
		}
	}
	return a
}
