package archive

import (
	"context"
	"hash/crc32"
	"math"
	"sync/atomic"
)

// Zip lays out a zip archive of the entries, in their order.
//
// Files are stored, each followed by a data descriptor with its checksum, so that the first byte can be sent before any
// file was read. Only those sizes, offsets and counts that need it are in ZIP64 format. Times are in UTC to two seconds
// and, until 2038, also in Unix time to the second. (PKWARE APPNOTE 6.3.10; the field for Unix time is that of Info-ZIP.)
//
// The last parts compute the checksum of each file for which no other part has done that.
func Zip(entries []Entry) ([]Part, error) {
	entries, err := checked(entries)
	if err != nil {
		return nil, err
	}
	z := &zipFile{entries: entries, offsets: make([]int64, len(entries)), sums: make([]atomic.Uint64, len(entries))}
	for i := range entries {
		z.offsets[i] = z.directory
		z.directory += z.headSize(i) + entries[i].Size + z.tailSize(i)
	}
	return z.appendDirectory(wrap(z, entries)), nil
}

// zipFile is the layout of a zip archive.
type zipFile struct {
	entries   []Entry
	offsets   []int64         // of the entries
	sums      []atomic.Uint64 // checksum | sumKnown, or zero
	directory int64           // offset of the central directory
}

const sumKnown = 1 << 32

// Signatures of the records.
const (
	sigLocal      = 0x04034b50
	sigDescriptor = 0x08074b50
	sigCentral    = 0x02014b50
	sigEnd64      = 0x06064b50
	sigLocator64  = 0x07064b50
	sigEnd        = 0x06054b50
)

// Lengths of the fixed parts of records, in bytes.
const (
	lenLocal        = 30
	lenDescriptor   = 16
	lenDescriptor64 = 24
	lenCentral      = 46
	lenEnd64        = 56
	lenLocator64    = 20
	lenEnd          = 22
)

const (
	version    = 20 // 2.0 has directories and descriptors
	version64  = 45
	madeOnUnix = 3 << 8

	flagDescriptor = 1 << 3
	flagUTF8       = 1 << 11
)

// isBig reports whether a size or an offset needs ZIP64.
func isBig(n int64) bool { return n >= math.MaxUint32 }

// short returns n for a field of 32 bits. All ones mean that the value is in a ZIP64 record.
func short(n int64) uint32 { return uint32(min(n, math.MaxUint32)) }

func (z *zipFile) headSize(i int) int64 {
	e := &z.entries[i]
	n := lenLocal + len(e.Name) + lenUnixTime(e.Modified)
	if isBig(e.Size) {
		n += lenExtra64(2)
	}
	return int64(n)
}

func (z *zipFile) tailSize(i int) int64 {
	switch e := &z.entries[i]; {
	case !e.hasContent():
		return 0
	case isBig(e.Size):
		return lenDescriptor64
	default:
		return lenDescriptor
	}
}

// appendHead appends the local header. Checksum and sizes are zero: the descriptor has them, if there is content.
func (z *zipFile) appendHead(b []byte, i int) []byte {
	e := &z.entries[i]
	var extra []byte
	var size uint32
	if isBig(e.Size) { // the descriptor has sizes of eight bytes
		extra = appendExtra64(extra, 0, 0)
		size = math.MaxUint32
	}
	extra = appendUnixTime(extra, e.Modified)

	b = append32(b, sigLocal)
	b = appendCommon(b, e, isBig(e.Size))
	b = append32(b, 0, size, size)
	b = append16(b, uint16(len(e.Name)), uint16(len(extra)))
	b = append(b, e.Name...)
	return append(b, extra...)
}

// appendTail appends the data descriptor.
func (z *zipFile) appendTail(ctx context.Context, b []byte, i int) ([]byte, error) {
	e := &z.entries[i]
	if !e.hasContent() {
		return b, nil
	}
	sum, err := z.sum(ctx, i)
	if err != nil {
		return nil, err
	}
	b = append32(b, sigDescriptor, sum)
	if isBig(e.Size) {
		return append64(b, uint64(e.Size), uint64(e.Size)), nil
	}
	return append32(b, uint32(e.Size), uint32(e.Size)), nil
}

// sum returns the checksum of entry i. It fails if the file has changed: a checksum of other bytes than those that
// were sent is worse than none.
func (z *zipFile) sum(ctx context.Context, i int) (uint32, error) {
	e := &z.entries[i]
	if !e.hasContent() {
		return 0, nil
	}
	if e.Content != nil {
		return crc32.ChecksumIEEE(e.Content), nil
	}
	if known := z.sums[i].Load(); known != 0 {
		return uint32(known), nil
	}
	sum, err := e.CRC(ctx)
	if err != nil {
		return 0, err
	}
	f, err := e.open()
	if err != nil {
		return 0, err
	}
	_ = f.Close()
	z.sums[i].Store(sumKnown | uint64(sum))
	return sum, nil
}
