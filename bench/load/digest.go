package load

import (
	"hash/maphash"
	"io"
	"slices"
)

// seed makes hashes of the same content equal within this process.
var seed = maphash.MakeSeed()

// A digest is the hash of a content in blocks, the last one shorter.
type digest struct {
	block int64 // bytes in each; 0: the whole content is one block
	sums  []uint64
	size  int64

	hash maphash.Hash
	in   int64 // bytes of the current block in hash
}

func newDigest(block int64) *digest {
	d := &digest{block: block}
	d.hash.SetSeed(seed)
	return d
}

// Write adds the next bytes of the content. It never fails.
func (d *digest) Write(p []byte) (int, error) {
	n := len(p)
	d.size += int64(n)
	for d.block > 0 && d.in+int64(len(p)) >= d.block {
		_, _ = d.hash.Write(p[:d.block-d.in])
		p = p[d.block-d.in:]
		d.end()
	}
	_, _ = d.hash.Write(p)
	d.in += int64(len(p))
	return n, nil
}

// end completes the current block.
func (d *digest) end() {
	d.sums = append(d.sums, d.hash.Sum64())
	d.hash.Reset()
	d.in = 0
}

// finish completes the last block. A content of whole blocks has no empty one
// at its end, but an empty content is one empty block.
func (d *digest) finish() {
	if d.in > 0 || len(d.sums) == 0 {
		d.end()
	}
}

// compare returns errDiffers if the content differs from that of r.
func (d *digest) compare(r io.Reader) error {
	want := newDigest(d.block)
	if _, err := io.Copy(want, r); err != nil {
		return err
	}
	want.finish()
	if want.size != d.size || !slices.Equal(want.sums, d.sums) {
		return errDiffers
	}
	return nil
}

// reset removes all content from d.
func (d *digest) reset() {
	d.hash.Reset()
	d.sums, d.size, d.in = d.sums[:0], 0, 0
}
