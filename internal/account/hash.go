package account

import (
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

// Hash is a hash of a password for storage in a file. [NewHash] makes PBKDF2 (RFC
// 8018) with HMAC-SHA-256; [ParseHash] also knows the kinds that Apache's htpasswd
// makes. It is comparable. The zero Hash matches no password.
type Hash struct {
	kind kind
	cost int    // iterations of PBKDF2, or the exponent of bcrypt
	salt string // raw bytes
	sum  string // raw bytes; of bcrypt and apr1 text
}

type kind byte

const (
	noHash kind = iota
	pbkdf2SHA256
	bcrypted // $2a$, $2b$ and $2y$
	apr1     // Apache's variant of MD5-crypt
	sha1Sum  // {SHA}, without a salt
)

// hashScheme begins the text of a PBKDF2 hash.
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
	h := Hash{kind: pbkdf2SHA256, cost: iterations, salt: string(salt)}
	sum := derive(password, h.salt, iterations)
	h.sum = string(sum[:])
	return h, nil
}

// ParseHash parses the result of String, and hashes of Apache's htpasswd. Its errors
// do not repeat the text, which may be a password by mistake.
func ParseHash(s string) (Hash, error) {
	switch {
	case strings.HasPrefix(s, hashScheme):
		return parsePBKDF2(s)
	case isBcrypt(s):
		return parseBcrypt(s)
	case strings.HasPrefix(s, apr1Scheme):
		return parseAPR1(s)
	case strings.HasPrefix(s, sha1Scheme):
		return parseSHA1(s)
	case strings.HasPrefix(s, "$1$"), strings.HasPrefix(s, "$5$"), strings.HasPrefix(s, "$6$"), strings.HasPrefix(s, "$y$"):
		return Hash{}, errors.New("it is a hash of crypt(3), which only the host's own logins use")
	case len(s) == 13 && strings.Trim(s, cryptAlphabet) == "":
		return Hash{}, errors.New("it is a DES hash of crypt(3), which is easily guessed, or plain text")
	}
	return Hash{}, errors.New("it is no hash of a password but plain text, or a hash of an unknown kind")
}

func parsePBKDF2(s string) (Hash, error) {
	fields := strings.Split(strings.TrimPrefix(s, hashScheme), "$")
	if len(fields) != 3 {
		return Hash{}, errGarbled
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
		return Hash{}, errGarbled
	}
	return Hash{pbkdf2SHA256, iterations, string(salt), string(sum)}, nil
}

var errGarbled = errors.New("the hash is cut short or garbled")

// String returns the hash for ParseHash: printable ASCII without quotes and spaces.
func (h Hash) String() string {
	switch h.kind {
	case pbkdf2SHA256:
		return hashScheme + strconv.Itoa(h.cost) +
			"$" + base64Raw.EncodeToString([]byte(h.salt)) + "$" + base64Raw.EncodeToString([]byte(h.sum))
	case bcrypted:
		return h.sum
	case apr1:
		return apr1Scheme + h.salt + "$" + h.sum
	case sha1Sum:
		return sha1Scheme + base64.StdEncoding.EncodeToString([]byte(h.sum))
	}
	return ""
}

// matches reports whether h is a hash of password. Its time depends on the kind and
// the cost of h, and on the length of password.
func (h Hash) matches(password string) bool {
	if len(password) > maxPassword {
		password = "" // no hash is one of the empty password
	}
	switch h.kind {
	case pbkdf2SHA256:
		sum := derive(password, h.salt, h.cost)
		return h.isSum(password, string(sum[:]))
	case bcrypted:
		return h.matchesBcrypt(password)
	case apr1:
		return h.isSum(password, sumAPR1(password, h.salt))
	case sha1Sum:
		return h.isSum(password, sumSHA1(password))
	}
	return false
}

// isSum compares in constant time.
func (h Hash) isSum(password, sum string) bool {
	return subtle.ConstantTimeCompare([]byte(sum), []byte(h.sum)) == 1 && password != ""
}

// work returns how expensive the hash is, in iterations of PBKDF2 that take about as
// long.
func (h Hash) work() int {
	switch h.kind {
	case pbkdf2SHA256:
		return h.cost
	case bcrypted:
		return 200 << h.cost
	case apr1:
		return 1000
	case sha1Sum:
		return 1
	}
	return 0
}

func checkIterations(n int) error {
	if n < MinIterations || n > MaxIterations {
		return fmt.Errorf("%d iterations are not between %d and %d", n, MinIterations, MaxIterations)
	}
	return nil
}
