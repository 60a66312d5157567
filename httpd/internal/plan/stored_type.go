package plan

import (
	"io/fs"
	"mime"
	"strings"

	"sluice/internal/fileid"
)

// typeOfFile returns the media type of the file at name, if its beginning need not be known: the one that its file system
// has stored with it, as an object store has, or else that of its extension. It is "" if there is none. It has a charset
// only if a stored type has one.
//
// The program that stores an object chooses its type. So a type that a browser runs or renders as a page counts only if the name
// says the same: no upload becomes a page by its stored type that would not become one by its name. Others count
// before the name, so that a page that was stored as text stays text.
func typeOfFile(name string, info fs.FileInfo) string {
	byName := typeOf(name)
	stored := fileid.StoredType(info)
	if stored == "" {
		return byName
	}
	mediaType, params, err := mime.ParseMediaType(stored)
	switch {
	case err != nil || saysNothingOf[mediaType]:
		return byName
	case mediaType != byName && !isInert(mediaType):
		return byName
	}
	if charset := params["charset"]; charset != "" && hasCharset(mediaType) {
		if full := mime.FormatMediaType(mediaType, map[string]string{"charset": charset}); full != "" {
			return full
		}
	}
	return mediaType
}

// saysNothingOf are the types that clients store when they know none.
var saysNothingOf = map[string]bool{
	unknownType: true, "binary/octet-stream": true, "application/x-www-form-urlencoded": true, "application/x-directory": true,
}

// isInert reports whether browsers show or save content of a type, rather than run it or render it as a page.
func isInert(mediaType string) bool {
	major, minor, _ := strings.Cut(mediaType, "/")
	switch major {
	case "image", "audio", "video", "font", "model":
		return !strings.HasSuffix(minor, "xml")
	case "application":
		return !strings.HasSuffix(minor, "xml") && !strings.HasSuffix(minor, "script") && minor != "x-shockwave-flash"
	case "text":
		return inertTexts[minor]
	}
	return false
}

var inertTexts = map[string]bool{"plain": true, "csv": true, "tab-separated-values": true, "markdown": true, "calendar": true, "vcard": true, "vtt": true}

// needsCharset reports whether the Content-Type of a file with that media type needs a look at its beginning.
func needsCharset(mediaType string) bool {
	return hasCharset(mediaType) && !strings.Contains(mediaType, ";")
}
