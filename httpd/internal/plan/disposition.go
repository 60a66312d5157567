package plan

import (
	"strings"
	"unicode/utf8"
)

// attachment returns the Content-Disposition that makes a browser save a
// response under a name (RFC 6266). A name that is not plain ASCII is given in
// two forms, the second as UTF-8 (RFC 8187), which clients prefer if they know it.
func attachment(name string) string {
	plain := strings.Map(func(c rune) rune {
		// A quote or a backslash would need an escape, which browsers read
		// differently, and some browsers decode percent signs.
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '%' {
			return '_'
		}
		return c
	}, name)
	value := `attachment; filename="` + plain + `"`
	if plain != name {
		value += "; filename*=UTF-8''" + encodeExtended(name)
	}
	return value
}

// encodeExtended encodes value-chars of RFC 8187, 3.2.1. Bytes that are not
// UTF-8 become the replacement character.
func encodeExtended(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(strings.ToValidUTF8(s, string(utf8.RuneError))) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
