package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenSize is the number of random bytes in a token.
const tokenSize = 24

// newToken returns a token, which is valid in a cookie and in a URL.
func newToken() string {
	var b [tokenSize]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// keyOf returns the key of a token; ok is false if no token has that form.
func keyOf(token string) (k key, ok bool) {
	var b [tokenSize]byte
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenSize) || strings.ContainsAny(token, "\r\n") {
		return key{}, false
	}
	if _, err := base64.RawURLEncoding.Decode(b[:], []byte(token)); err != nil {
		return key{}, false
	}
	return sha256.Sum256([]byte(token)), true
}

// proofOf binds a session to a password.
func proofOf(token string, passwordID []byte) [sha256.Size]byte {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(passwordID)
	return [sha256.Size]byte(mac.Sum(nil))
}

// shorten returns the beginning of text from a client, without characters that cannot be
// shown.
func shorten(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
