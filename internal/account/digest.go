package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// digest is a salted hash of a password that is cheap to compute. It is for memory only.
type digest struct {
	salt [16]byte
	sum  [sha256.Size]byte
}

func newDigest(password string) *digest {
	d := new(digest)
	_, _ = rand.Read(d.salt[:]) // never fails, see its documentation
	d.sum = d.sumOf(password)
	return d
}

// matches reports whether d is a digest of password. A nil digest matches no
// password, and takes the same time.
func (d *digest) matches(password string) bool {
	known := d != nil
	if !known {
		d = new(digest)
	}
	sum := d.sumOf(password)
	return subtle.ConstantTimeCompare(sum[:], d.sum[:]) == 1 && known
}

func (d *digest) sumOf(password string) [sha256.Size]byte {
	h := sha256.New()
	h.Write(d.salt[:])
	h.Write([]byte(password))
	return [sha256.Size]byte(h.Sum(nil))
}
