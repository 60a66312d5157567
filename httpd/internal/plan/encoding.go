package plan

import (
	"slices"
	"strings"
)

// coding is a content coding (RFC 9110, 8.4.1) and the extension of files
// that hold it.
type coding struct{ name, ext string }

// codings are the codings of precompressed files, best first: the order in which
// they are tried if the client has no preference.
var codings = []coding{{"zstd", ".zst"}, {"br", ".br"}, {"gzip", ".gz"}}

// acceptedCodings returns those of the offered codings that an Accept-Encoding
// field accepts, the preferred first (RFC 9110, 12.5.3). Codings that the client
// wants less than identity are left out. A client without the field accepts none:
// it may not know how to decode.
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

// codingWeight returns the weight of a coding. An asterisk stands for all codings
// that are not named, except identity: no client means that by an asterisk.
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

// isCompressible reports whether files of a media type may have a compressed form
// next to them. Pictures, films and archives are compressed already.
func isCompressible(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	switch mediaType {
	case "application/json", "application/jsonl", "application/rtf", "application/toml",
		"application/wasm", "application/xml", "application/yaml",
		"application/vnd.apple.mpegurl", "font/otf", "font/ttf", "image/bmp", "image/vnd.microsoft.icon":
		return true
	}
	return strings.HasPrefix(mediaType, "text/") || strings.HasSuffix(mediaType, "+xml") || strings.HasSuffix(mediaType, "+json")
}
