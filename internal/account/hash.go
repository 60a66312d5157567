package account

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Iterations of a hash. More of them make guessing and logins more expensive.
const (
	MinIterations     = 1000       // RFC 8018, 4.2
	DefaultIterations = 600_000    // recommended by OWASP, 2023; up to a quarter of a second
	MaxIterations     = 10_000_000 // a few seconds
)

// Hash is a salted hash of a password for storage in a file: PBKDF2 (RFC 8018) with
// HMAC-SHA-256. It is comparable. The zero Hash matches no password.
type Hash struct {
	iterations int
	salt       string // raw bytes
	sum        [sha256.Size]byte
}

// hashScheme begins the text of a Hash.
const hashScheme = "$pbkdf2-sha256$i="

// base64Raw is base64 without padding, as other programs write such hashes.
var base64Raw = base64.RawStdEncoding.Strict()

// NewHash hashes a password with a new salt and the given iterations. It takes as
// long as a login.
func NewHash(password string, iterations int) (Hash, error) {
	if err := checkPassword(password); err != nil {
		return Hash{}, err
	}
	if err := checkIterations(iterations); err != nil {
		return Hash{}, err
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails, see its documentation
	h := Hash{iterations: iterations, salt: string(salt)}
	h.sum = derive(password, h.salt, iterations)
	return h, nil
}

// ParseHash parses the result of String. Its errors do not repeat the text, which
// may be a password by mistake.
func ParseHash(s string) (Hash, error) {
	rest, ok := strings.CutPrefix(s, hashScheme)
	fields := strings.Split(rest, "$")
	if !ok || len(fields) != 3 {
		return Hash{}, errors.New("it is no hash of a password that begins with " + hashScheme)
	}
	iterations, err := strconv.Atoi(fields[0])
	if err != nil {
		return Hash{}, errors.New("the number of iterations in the hash is no number")
	}
	if err := checkIterations(iterations); err != nil {
		return Hash{}, err
	}
	salt, err1 := base64Raw.DecodeString(fields[1])
	sum, err2 := base64Raw.DecodeString(fields[2])
	if err := errors.Join(err1, err2); err != nil || len(salt) < 16 || len(salt) > 64 || len(sum) != sha256.Size {
		return Hash{}, errors.New("the hash is cut short or garbled")
	}
	return Hash{iterations, string(salt), [sha256.Size]byte(sum)}, nil
}

// String returns the hash for ParseHash, in the PHC string format: printable ASCII
// without quotes and spaces.
func (h Hash) String() string {
	return hashScheme + strconv.Itoa(h.iterations) +
		"$" + base64Raw.EncodeToString([]byte(h.salt)) + "$" + base64Raw.EncodeToString(h.sum[:])
}

// matches reports whether h is a hash of password. Its time depends only on the
// iterations of h.
func (h Hash) matches(password string) bool {
	sum := derive(password, h.salt, h.iterations)
	return subtle.ConstantTimeCompare(sum[:], h.sum[:]) == 1 && h.iterations > 0
}

// derive computes PBKDF2. For 0 iterations it returns zeros at once.
func derive(password, salt string, iterations int) (sum [sha256.Size]byte) {
	if iterations == 0 {
		return sum
	}
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, sha256.Size)
	if err != nil {
		panic(err) // not reached: it refuses only lengths that FIPS 140 forbids, and our salts are longer
	}
	return [sha256.Size]byte(key)
}

func checkIterations(n int) error {
	if n < MinIterations || n > MaxIterations {
		return fmt.Errorf("%d iterations are not between %d and %d", n, MinIterations, MaxIterations)
	}
	return nil
}
