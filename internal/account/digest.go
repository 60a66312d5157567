package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// digest is a salted hash that is cheap to calculate: for memory only.
type digest struct {
	salt [16]byte
	sum  [sha256.Size]byte
}

func newDigest(password string) *digest {
	d := new(digest)
	_, _ = rand.Read(d.salt[:]) // never fails, see its documentation
	d.sum = d.of(password)
	return d
}

// fits reports whether d is a digest of password. A nil one fits none, and
// takes the same time to say so.
func (d *digest) fits(password string) bool {
	known := d != nil
	if !known {
		d = new(digest)
	}
	sum := d.of(password)
	return subtle.ConstantTimeCompare(sum[:], d.sum[:]) == 1 && known
}

func (d *digest) of(password string) [sha256.Size]byte {
	h := sha256.New()
	h.Write(d.salt[:])
	h.Write([]byte(password))
	return [sha256.Size]byte(h.Sum(nil))
}
