package plan

import (
	"strings"
	"unicode/utf8"
)

// sniffed is how many bytes of a file are read to guess its type.
const sniffed = 512

// sniff returns a media type for the beginning of a file whose extension is not
// known. It never returns a type that a browser would run or render as a page:
// otherwise an uploaded text could act in the name of this server. detect guesses
// the type, and may be nil.
func sniff(begin []byte, detect func([]byte) string) string {
	if detect == nil {
		return unknownType
	}
	t := detect(begin)
	major, _, _ := strings.Cut(t, "/")
	switch {
	case t == "application/x-gzip":
		return "application/gzip" // RFC 6713
	case major == "image", major == "audio", major == "video", major == "font",
		t == "application/pdf", t == "application/zip", t == "application/ogg", t == "application/x-rar-compressed":
		return t
	case strings.HasPrefix(t, "text/plain; charset=utf-16"): // it begins with a byte order mark
		return t
	case major != "text":
		return unknownType
	case isUTF8(begin):
		return "text/plain; charset=utf-8"
	}
	return "text/plain"
}

// isUTF8 reports whether b is the beginning of a text in UTF-8, which may end in
// the middle of a character.
func isUTF8(b []byte) bool {
	for cut := range min(utf8.UTFMax, len(b)+1) {
		if utf8.Valid(b[:len(b)-cut]) {
			return true
		}
	}
	return false
}
