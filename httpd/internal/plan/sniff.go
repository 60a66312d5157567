package plan

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// From the first sniffed bytes of a file its type is guessed, and from the first charsetSample ones of a text its charset: the
// first letter that is not ASCII may come late.
const (
	sniffed       = 512
	charsetSample = 16 << 10
)

// sniff returns a media type for the beginning of a file whose extension is not
// known. It never returns a type that a browser would run or render as a page:
// otherwise an uploaded text could act in the name of this server. detect guesses
// the type, and may be nil.
func sniff(begin []byte, detect func([]byte) string) string {
	if detect == nil {
		return unknownType
	}
	t := detect(begin[:min(sniffed, len(begin))])
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
	}
	return withCharset("text/plain", begin)
}

// hasCharset reports whether the Content-Type of a media type has a charset, if it is known.
func hasCharset(mediaType string) bool {
	return strings.HasPrefix(mediaType, "text/") || mediaType == "application/jsonl"
}

// withCharset adds the charset to the type of a text that begins so. Only UTF-8 is recognized: without
// a charset a browser guesses, or its user chooses one, while it believes a wrong one. A page that names its charset itself is believed.
func withCharset(mediaType string, begin []byte) string {
	if mediaType == "text/html" && namesCharset(begin) || !isUTF8(begin) {
		return mediaType
	}
	return mediaType + "; charset=utf-8"
}

// namesCharset reports whether a page has a meta element with a charset where browsers look for it: in the first 1024
// bytes.
func namesCharset(page []byte) bool {
	rest := bytes.ToLower(page[:min(1024, len(page))])
	for {
		_, element, found := bytes.Cut(rest, []byte("<meta"))
		if !found {
			return false
		}
		element, rest, _ = bytes.Cut(element, []byte(">"))
		if bytes.Contains(element, []byte("charset")) {
			return true
		}
	}
}

// isUTF8 reports whether b is the beginning of a text in UTF-8, which may end in
// the middle of a character. ISO-2022-JP, of mails, has only ASCII, and switches character sets by escape sequences.
func isUTF8(b []byte) bool {
	if bytes.Contains(b, []byte("\x1b$")) || bytes.Contains(b, []byte("\x1b(")) {
		return false
	}
	if len(b) < charsetSample { // all of it
		return utf8.Valid(b)
	}
	for cut := range utf8.UTFMax {
		if utf8.Valid(b[:len(b)-cut]) {
			return true
		}
	}
	return false
}
