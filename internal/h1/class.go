package h1

import (
	"math/bits"
	"strings"
)

// class is a set of properties of a byte.
type class uint8

const (
	token  class = 1 << iota // may be in a token (RFC 9110, 5.6.2)
	target                   // may be in a request target (RFC 3986, without the fragment)
	host                     // may be in a simple name of a host
	hex                      // a hexadecimal digit
)

var (
	classes [256]class
	unhex   [256]byte // the value of a hexadecimal digit
)

func init() {
	const (
		digits  = "0123456789"
		letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	for set, c := range map[string]class{
		digits + letters + "!#$%&'*+-.^_`|~":      token,
		digits + letters + "-._~!$&'()*+,;=:@/?%": target,
		digits + letters + "-._":                  host,
		digits + "abcdefABCDEF":                   hex,
	} {
		for i := range len(set) {
			classes[set[i]] |= c
		}
	}
	for c := range unhex {
		unhex[c] = byte(max(strings.IndexByte("0123456789abcdef", byte(c)), strings.IndexByte("0123456789ABCDEF", byte(c)), 0))
	}
}

func is(c byte, of class) bool { return classes[c]&of != 0 }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// valueEnd returns the position of the first byte from i on that may not be in a
// field's value (RFC 9110, 5.5): a control character other than the tabulator. It
// tests eight bytes at once, because values are most of a head.
func valueEnd(in string, i int) int {
	const (
		each = 0x0101010101010101 // times a byte: that byte eight times
		high = 0x80 * each
	)
	for {
		for len(in)-i >= 8 {
			x := load(in[i : i+8])
			del := x ^ 0x7f*each
			// The lowest bit that is set is right; a borrow can set wrong bits above.
			found := ((x-0x20*each)&^x | (del-each)&^del) & high
			if found != 0 {
				i += bits.TrailingZeros64(found) / 8
				break
			}
			i += 8
		}
		for i < len(in) && in[i] >= 0x20 && in[i] != 0x7f {
			i++
		}
		if i == len(in) || in[i] != '\t' {
			return i
		}
		i++
	}
}

// load returns eight bytes, the first the lowest. The compiler makes it one load.
func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
