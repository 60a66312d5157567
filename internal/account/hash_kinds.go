package account

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// cryptAlphabet has the digits of the base64 variants of crypt(3) and apr1.
const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// derive computes PBKDF2. For 0 iterations it returns zeros at once.
func derive(password, salt string, iterations int) (sum [sha256.Size]byte) {
	if iterations <= 0 {
		return sum
	}
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, sha256.Size)
	if err != nil {
		panic(err) // not reached: it refuses only lengths that FIPS 140 forbids, and our salts are longer
	}
	return [sha256.Size]byte(key)
}

// maxBcryptCost is the largest exponent of a bcrypt hash: with 15 a login takes 2 to 4 s.
const maxBcryptCost = 15

// isBcrypt reports whether s begins as a bcrypt hash. The variants are names for the
// same function; $2x$, which differs, is the faulty one of old PHP.
func isBcrypt(s string) bool {
	return len(s) > 3 && s[:2] == "$2" && strings.IndexByte("aby", s[2]) >= 0 && s[3] == '$'
}

// parseBcrypt parses $2y$COST$ with 22 characters of salt and 31 of sum.
func parseBcrypt(s string) (Hash, error) {
	const head, length = len("$2y$10$"), 60
	if len(s) != length || s[head-1] != '$' || strings.Trim(s[head:], cryptAlphabet) != "" {
		return Hash{}, errGarbled
	}
	digits, err := strconv.ParseUint(s[head-3:head-1], 10, 8)
	cost := int(digits)
	switch {
	case err != nil:
		return Hash{}, errGarbled
	case cost < bcrypt.MinCost || cost > maxBcryptCost:
		return Hash{}, fmt.Errorf("the cost %d of the bcrypt hash is not between %d and %d", cost, bcrypt.MinCost, maxBcryptCost)
	}
	return Hash{kind: bcrypted, cost: cost, sum: s}, nil
}

// matchesBcrypt compares by package bcrypt. As everywhere, only the first 72 bytes of
// a password count.
func (h Hash) matchesBcrypt(password string) bool {
	same := bcrypt.CompareHashAndPassword([]byte(h.sum), []byte(password)) == nil
	return same && checkPassword(password) == nil // bcrypt takes "x" and "x\x00x" for the same
}

const (
	apr1Scheme  = "$apr1$"
	apr1SumSize = 22 // characters
)

func parseAPR1(s string) (Hash, error) {
	salt, sum, ok := strings.Cut(strings.TrimPrefix(s, apr1Scheme), "$")
	if !ok || len(salt) > 8 || len(sum) != apr1SumSize || strings.Trim(salt+sum, cryptAlphabet) != "" {
		return Hash{}, errGarbled
	}
	return Hash{kind: apr1, salt: salt, sum: sum}, nil
}

// sumAPR1 is apr_md5_encode of the Apache Portable Runtime, without the scheme and the
// salt.
func sumAPR1(password, salt string) string {
	pw := []byte(password)
	inner := md5.Sum([]byte(password + salt + password))
	text := []byte(password + apr1Scheme + salt)
	for left := len(pw); left > 0; left -= md5.Size {
		text = append(text, inner[:min(left, md5.Size)]...)
	}
	for i := len(pw); i > 0; i >>= 1 {
		if i&1 == 1 {
			text = append(text, 0)
		} else {
			text = append(text, pw[0])
		}
	}
	sum := md5.Sum(text)
	for round := range 1000 {
		text = text[:0]
		if round%2 == 1 {
			text = append(text, pw...)
		} else {
			text = append(text, sum[:]...)
		}
		if round%3 != 0 {
			text = append(text, salt...)
		}
		if round%7 != 0 {
			text = append(text, pw...)
		}
		if round%2 == 1 {
			text = append(text, sum[:]...)
		} else {
			text = append(text, pw...)
		}
		sum = md5.Sum(text)
	}
	return encodeAPR1(sum)
}

// encodeAPR1 writes a sum in the order of MD5-crypt.
func encodeAPR1(sum [md5.Size]byte) string {
	var text []byte
	add := func(v uint32, digits int) {
		for range digits {
			text = append(text, cryptAlphabet[v&0x3f])
			v >>= 6
		}
	}
	for _, i := range [...][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		add(uint32(sum[i[0]])<<16|uint32(sum[i[1]])<<8|uint32(sum[i[2]]), 4)
	}
	add(uint32(sum[11]), 2)
	return string(text)
}

const sha1Scheme = "{SHA}"

func parseSHA1(s string) (Hash, error) {
	sum, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(s, sha1Scheme))
	if err != nil || len(sum) != sha1.Size || strings.ContainsAny(s, "\r\n") {
		return Hash{}, errGarbled
	}
	return Hash{kind: sha1Sum, sum: string(sum)}, nil
}

func sumSHA1(password string) string {
	sum := sha1.Sum([]byte(password))
	return string(sum[:])
}

// maxPassword limits the length of a password in bytes. A longer one would make apr1,
// which repeats it 1000 times, as expensive as a client likes.
const maxPassword = 1024

func checkPassword(password string) error {
	switch {
	case password == "":
		return errors.New("the password is empty")
	case len(password) > maxPassword:
		return fmt.Errorf("the password is longer than %d bytes", maxPassword)
	case strings.ContainsAny(password, "\r\n\x00"):
		return errors.New("the password contains a line break or NUL, which no client can send")
	}
	return nil
}
