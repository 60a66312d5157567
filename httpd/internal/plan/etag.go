package httpd

import (
	"context"
	"encoding/base64"
	"io/fs"
	"strconv"
	"strings"

	"sluice/internal/digest"
	"sluice/internal/filecache"
	"sluice/internal/fileid"
)

// etagOf returns a strong entity tag (RFC 9110, 8.8.3) that changes with every
// change of the file: its size and its time of modification in nanoseconds
// and, where the system tells them, its inode and its time of change, which
// no program can set back. It is "" where the time says nothing, as that of
// embedded files: another file of the same size would have the same tag.
func etagOf(info fs.FileInfo) string {
	id := fileid.OfInfo(info)
	if !id.Known() && info.ModTime().Unix() <= 1 {
		return ""
	}
	b := make([]byte, 0, 64)
	b = append(b, '"')
	b = strconv.AppendInt(b, info.Size(), 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, info.ModTime().UnixNano(), 36)
	if id.Known() {
		b = append(b, '-')
		b = strconv.AppendUint(b, id.Inode, 36)
		b = append(b, '-')
		b = strconv.AppendInt(b, id.Changed, 36)
	}
	b = append(b, '"')
	return string(b)
}

// maxTagged is the size of the largest file whose tag is made of its content:
// larger ones would keep the first who asks waiting.
const maxTagged = 64 << 20

// etag returns the entity tag of a file, of its content where that is wanted.
func (h *Handler) etag(ctx context.Context, f *filecache.File, known *facts) string {
	if h.ContentETags && f.Info.Size() <= maxTagged {
		if sum, err := h.sum(ctx, f, digest.SHA256); err == nil {
			return `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
		}
	}
	return known.etag
}

// etagWith returns the tag of what is made of a file in some way; "" if the file
// has none.
func etagWith(tag, way string) string {
	if tag == "" {
		return ""
	}
	return strings.TrimSuffix(tag, `"`) + "-" + way + `"`
}
