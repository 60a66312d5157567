package fileid_test

import (
	"io/fs"
	"testing"

	"sluice/internal/fileid"
)

// stored is a FileInfo with what an object store says.
type stored struct {
	fs.FileInfo
	tag, mediaType string
}

func (s stored) Sys() any            { return s }
func (s stored) EntityTag() string   { return s.tag }
func (s stored) ContentType() string { return s.mediaType }

type unstored struct{ fs.FileInfo }

func (unstored) Sys() any { return nil }

func TestTagsOfAStore(t *testing.T) {
	for tag, want := range map[string]string{
		`"d41d8cd98f00b204e9800998ecf8427e"`: `"d41d8cd98f00b204e9800998ecf8427e"`,
		`"5bee5a5b-3"`:                       `"5bee5a5b-3"`, // of an upload by parts
		`W/"weak"`:                           "",
		`"W/"weak""`:                         "",
		`unquoted`:                           "",
		`""`:                                 "",
		`"`:                                  "",
		"":                                   "",
		"\"a\r\nSet-Cookie: b\"":             "",
		`"a b"`:                              "",
	} {
		if got := fileid.StoredTag(stored{tag: tag}); got != want {
			t.Errorf("%q: got %q, want %q", tag, got, want)
		}
	}
	if got := fileid.StoredTag(unstored{}); got != "" {
		t.Errorf("a file without a store has the tag %q", got)
	}
}

func TestTypesOfAStore(t *testing.T) {
	if got := fileid.StoredType(stored{mediaType: "image/png"}); got != "image/png" {
		t.Errorf("got %q", got)
	}
	if got := fileid.StoredType(unstored{}); got != "" {
		t.Errorf("a file without a store has the type %q", got)
	}
}
