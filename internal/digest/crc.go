package digest

import (
	"encoding/binary"
	"hash/crc32"
)

// crc is a CRC-32 that takes any number of zeros in a few steps. It implements hash.Hash.
type crc struct{ sum uint32 }

func (c *crc) Write(p []byte) (int, error) {
	c.sum = crc32.Update(c.sum, crc32.IEEETable, p)
	return len(p), nil
}

func (c *crc) Sum(b []byte) []byte { return binary.BigEndian.AppendUint32(b, c.sum) }
func (c *crc) Reset()              { c.sum = 0 }
func (c *crc) Size() int           { return crc32.Size }
func (c *crc) BlockSize() int      { return 1 }

// writeZeros is Write of n zeros: a polynomial, of which the sum is the remainder, is multiplied by x to the power of
// the number of bits.
func (c *crc) writeZeros(n int64) {
	power, square := uint32(one), uint32(one>>8) // square is x^8, then its square for each binary digit of n
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			power = multiply(power, square)
		}
		square = multiply(square, square)
	}
	c.sum = ^multiply(^c.sum, power)
}

// one is the polynomial 1. The coefficient of the highest power is the lowest bit.
const one = 1 << 31

// multiply returns the product of two polynomials, modulo that of CRC-32.
func multiply(a, b uint32) (product uint32) {
	for bit := uint32(one); bit > 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		carry := b & 1
		if b >>= 1; carry == 1 {
			b ^= crc32.IEEE
		}
	}
	return product
}
