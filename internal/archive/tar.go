package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"time"
	"unicode/utf8"
)

const (
	tarBlock = 512
	tarEnd   = 2 * tarBlock // of zeros
)

// Tar lays out a tar archive of the entries, in their order: ustar where that is enough, else with pax records
// (long names, names beyond ASCII, files of 8 GiB and more), or in the GNU format for names that are not UTF-8, which
// pax does not allow. Times are to the second. Files have no owner; they become those of the user who extracts them.
func Tar(entries []Entry) ([]Part, error) {
	entries, err := checked(entries)
	if err != nil {
		return nil, err
	}
	t := tarFile{entries: entries, heads: make([]int32, len(entries))}
	for i := range entries {
		t.heads[i] = tarBlock
		if isPlain(&entries[i]) {
			continue
		}
		head, err := t.header(i)
		if err != nil {
			return nil, err
		}
		t.heads[i] = int32(len(head))
	}
	return append(wrap(t, entries), Part{
		Size:  tarEnd,
		Bytes: func(context.Context) ([]byte, error) { return make([]byte, tarEnd), nil },
	}), nil
}

// tarFile is the layout of a tar archive.
type tarFile struct {
	entries []Entry
	heads   []int32 // sizes
}

// isPlain reports whether the header certainly is one block. Then it need not be made to know its size, which takes
// microseconds: a client would wait for that for each of a million files.
func isPlain(e *Entry) bool {
	const longest, largest = 100, 1<<33 - 1 // eleven octal digits
	s := e.Modified.Unix()
	return len(e.Name) <= longest && isASCII(e.Name) && e.Size <= largest && s >= 0 && s <= largest
}

// header makes the header of entry i, which is the same each time.
func (t tarFile) header(i int) ([]byte, error) {
	e := &t.entries[i]
	h := tar.Header{
		Typeflag: tar.TypeReg,
		Name:     e.Name,
		Size:     e.Size,
		Mode:     int64(e.Mode & fs.ModePerm),
		ModTime:  e.Modified.Truncate(time.Second), // package tar would round
	}
	if e.Dir {
		h.Typeflag = tar.TypeDir
	}
	if !utf8.ValidString(e.Name) {
		h.Format = tar.FormatGNU
	}
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(&h); err != nil {
		return nil, fmt.Errorf("archive: header of %q: %w", e.Name, err)
	}
	return b.Bytes(), nil
}

func (t tarFile) headSize(i int) int64 { return int64(t.heads[i]) }

// tailSize returns the size of the padding of the last block.
func (t tarFile) tailSize(i int) int64 { return -t.entries[i].Size & (tarBlock - 1) }

func (t tarFile) appendHead(b []byte, i int) []byte {
	head, _ := t.header(i) // it has no error, or Tar would have failed
	return append(b, head...)
}

func (t tarFile) appendTail(_ context.Context, b []byte, i int) ([]byte, error) {
	return append(b, make([]byte, t.tailSize(i))...), nil
}
