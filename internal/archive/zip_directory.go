package archive

import (
	"context"
	"math"
)

// appendDirectory appends the parts of the central directory and the records at the end.
func (z *zipFile) appendDirectory(parts []Part) []Part {
	var total, size int64
	first := 0
	for i := range z.entries {
		size += z.centralSize(i)
		if size >= maxMade || i == len(z.entries)-1 {
			parts = append(parts, Part{Size: size, Bytes: z.central(size, first, i+1)})
			total += size
			size, first = 0, i+1
		}
	}
	end := z.appendEnd(nil, total)
	return append(parts, Part{
		Size:  int64(len(end)),
		Bytes: func(context.Context) ([]byte, error) { return end, nil },
	})
}

// central makes the directory's records of the entries from first up to end.
func (z *zipFile) central(size int64, first, end int) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) (b []byte, err error) {
		b = make([]byte, 0, size)
		for i := first; i < end; i++ {
			if b, err = z.appendCentral(ctx, b, i); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
}

// long returns the values of the entry that the directory must have in 64 bits, in the order of the format.
func (z *zipFile) long(i int) (values []uint64) {
	if size := z.entries[i].Size; isBig(size) {
		values = append(values, uint64(size), uint64(size))
	}
	if off := z.offsets[i]; isBig(off) {
		values = append(values, uint64(off))
	}
	return values
}

func (z *zipFile) centralSize(i int) int64 {
	e := &z.entries[i]
	return int64(lenCentral + len(e.Name) + lenExtra64(len(z.long(i))) + lenUnixTime(e.Modified))
}

func (z *zipFile) appendCentral(ctx context.Context, b []byte, i int) ([]byte, error) {
	e := &z.entries[i]
	sum, err := z.sum(ctx, i)
	if err != nil {
		return nil, err
	}
	long := z.long(i)
	extra := appendUnixTime(appendExtra64(nil, long...), e.Modified)

	b = append32(b, sigCentral)
	b = append16(b, madeOnUnix|version64)
	b = appendCommon(b, e, len(long) > 0)
	b = append32(b, sum, short(e.Size), short(e.Size))
	b = append16(b, uint16(len(e.Name)), uint16(len(extra)))
	const comment, disk, internal = 0, 0, 0
	b = append16(b, comment, disk, internal)
	b = append32(b, attributes(e), short(z.offsets[i]))
	b = append(b, e.Name...)
	return append(b, extra...), nil
}

// appendEnd appends the records after a directory of the given size.
func (z *zipFile) appendEnd(b []byte, size int64) []byte {
	const disk = 0
	n := len(z.entries)
	if n >= math.MaxUint16 || isBig(size) || isBig(z.directory) {
		b = append32(b, sigEnd64)
		b = append64(b, lenEnd64-12) // the length of the record after this field
		b = append16(b, madeOnUnix|version64, version64)
		b = append32(b, disk, disk)
		b = append64(b, uint64(n), uint64(n), uint64(size), uint64(z.directory))

		b = append32(b, sigLocator64, disk)
		b = append64(b, uint64(z.directory+size))
		b = append32(b, 1) // disks in all
	}
	count := uint16(min(n, math.MaxUint16))
	b = append32(b, sigEnd)
	b = append16(b, disk, disk, count, count)
	b = append32(b, short(size), short(z.directory))
	const comment = 0
	return append16(b, comment)
}
