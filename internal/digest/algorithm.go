package digest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
)

// Algorithm is a way to compute a checksum.
type Algorithm string

// All algorithms. Only the last two detect deliberate changes.
const (
	CRC32  Algorithm = "crc32" // IEEE, as in zip archives; 4 bytes, the most significant first
	MD5    Algorithm = "md5"
	SHA1   Algorithm = "sha-1"
	SHA256 Algorithm = "sha-256"
	SHA512 Algorithm = "sha-512"
)

var hashes = map[Algorithm]func() hash.Hash{
	CRC32:  func() hash.Hash { return new(crc) },
	MD5:    md5.New,
	SHA1:   sha1.New,
	SHA256: sha256.New,
	SHA512: sha512.New,
}

func (a Algorithm) hash() (hash.Hash, error) {
	if h := hashes[a]; h != nil {
		return h(), nil
	}
	return nil, fmt.Errorf("digest: no algorithm %q", string(a))
}
