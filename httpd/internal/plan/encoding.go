package httpd

import (
	"slices"
	"strings"
)

// coding is a content coding (RFC 9110, 8.4.1) and the extension of files
// that hold it.
type coding struct{ name, ext string }

// codings are those of the files that may lie beside another one, best first:
// they are what is tried when the client likes several the same.
var codings = []coding{{"zstd", ".zst"}, {"br", ".br"}, {"gzip", ".gz"}}

// acceptedCodings returns which of the offered codings an Accept-Encoding
// field takes, the most wanted first (RFC 9110, 12.5.3). Codings that are
// wanted less than none at all are left out. Nothing is what a client without
// the field takes: it may not know how to decode.
func acceptedCodings(acceptEncoding string, offered []coding) []coding {
	if acceptEncoding == "" {
		return nil
	}
	identity := codingWeight(acceptEncoding, "identity")
	var accepted []coding
	for _, c := range offered {
		if w := codingWeight(acceptEncoding, c.name); w > 0 && w >= identity {
			accepted = append(accepted, c)
		}
	}
	slices.SortStableFunc(accepted, func(a, b coding) int {
		return codingWeight(acceptEncoding, b.name) - codingWeight(acceptEncoding, a.name)
	})
	return accepted
}

// codingWeight returns the weight of a coding. The asterisk stands for those
// that are not named, but not for identity, which is never what one asks for
// by an asterisk.
func codingWeight(acceptEncoding, name string) int {
	others := 0
	for element, w := range weights(acceptEncoding) {
		switch {
		case element == name, "x-"+name == element && name == "gzip": // RFC 9110, 8.4.1.3
			return w
		case element == "*" && name != "identity":
			others = w
		}
	}
	return others
}

// compressible reports whether a media type is worth a smaller file beside
// the file. Pictures, films and archives are compressed already.
func compressible(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	switch mediaType {
	case "application/json", "application/jsonl", "application/manifest+json", "application/rtf", "application/toml",
		"application/wasm", "application/xhtml+xml", "application/xml", "application/yaml", "application/dash+xml",
		"application/vnd.apple.mpegurl", "font/otf", "font/ttf", "image/bmp", "image/svg+xml", "image/vnd.microsoft.icon":
		return true
	}
	return strings.HasPrefix(mediaType, "text/")
}
