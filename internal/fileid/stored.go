package fileid

import (
	"io/fs"
	"strings"
)

// StoredTag returns the entity tag (RFC 9110, 8.8.3) that the file system of a file, such as an object store, has for the
// version that info describes, with its quotation marks: the result of a method EntityTag of info.Sys(). It is "" if there
// is none, if it is weak, and if it is malformed.
func StoredTag(info fs.FileInfo) string {
	f, ok := info.Sys().(interface{ EntityTag() string })
	if !ok {
		return ""
	}
	tag := f.EntityTag()
	if len(tag) <= 2 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.ContainsFunc(tag[1:len(tag)-1], isNotInTag) {
		return ""
	}
	return tag
}

func isNotInTag(r rune) bool { return r <= ' ' || r == '"' || r == 0x7f }

// StoredType returns the media type that the file system of a file has stored with it: the result of a method ContentType
// of info.Sys(). It is "" if there is none. It may be malformed.
func StoredType(info fs.FileInfo) string {
	if f, ok := info.Sys().(interface{ ContentType() string }); ok {
		return f.ContentType()
	}
	return ""
}
