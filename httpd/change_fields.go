package httpd

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// checksums are those that the client has announced for the body of a PUT, in
// Content-Digest and Repr-Digest (RFC 9530). Both are of the same bytes, because a PUT
// here has neither a range nor a content coding.
type checksums []checksum

// checksum is one of them.
type checksum struct {
	hash hash.Hash
	sum  []byte
}

// digestAlgorithms are those that are checked. RFC 9530 has no other secure ones.
var digestAlgorithms = map[string]func() hash.Hash{"sha-256": sha256.New, "sha-512": sha512.New}

var (
	errDigestSyntax = errors.New("Content-Digest or Repr-Digest is malformed: send sha-256=:BASE64: or sha-512=:BASE64: with the checksum")
	errMtimeSyntax  = errors.New("X-OC-Mtime is malformed: send seconds since 1970")
)

// parseDigests parses lines of Content-Digest and Repr-Digest: dictionaries (RFC 8941,
// 3.2) of byte sequences. Members with unknown algorithms are ignored.
func parseDigests(lines ...string) (all checksums, err error) {
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			member = strings.Trim(member, " \t")
			if member == "" && line == "" {
				continue
			}
			key, value, found := strings.Cut(member, "=")
			value, _, _ = strings.Cut(value, ";") // parameters have no meaning
			if key == "" || !found {
				return nil, errDigestSyntax
			}
			newHash := digestAlgorithms[key]
			if newHash == nil {
				continue
			}
			encoded := strings.TrimRight(value, " \t")
			if len(encoded) < 2 || encoded[0] != ':' || encoded[len(encoded)-1] != ':' {
				return nil, errDigestSyntax
			}
			sum, err := base64.StdEncoding.DecodeString(encoded[1 : len(encoded)-1])
			h := newHash()
			if err != nil || len(sum) != h.Size() {
				return nil, errDigestSyntax
			}
			all = append(all, checksum{h, sum})
		}
	}
	if len(all) > maxDigests {
		return nil, errDigestSyntax
	}
	return all, nil
}

// maxDigests bounds the work for one body: two fields with two algorithms each.
const maxDigests = 4

// Write implements io.Writer.
func (e checksums) Write(p []byte) (int, error) {
	e.write(p)
	return len(p), nil
}

// write adds bytes to all checksums.
func (e checksums) write(p []byte) {
	for _, c := range e {
		_, _ = c.hash.Write(p) // never fails
	}
}

// match reports whether the bytes so far have all checksums.
func (e checksums) match() bool {
	for _, c := range e {
		if subtle.ConstantTimeCompare(c.hash.Sum(nil), c.sum) != 1 {
			return false
		}
	}
	return true
}

// parseMtime parses X-OC-Mtime: seconds since 1970, possibly negative, and possibly with
// a fraction, of which nine digits count.
func parseMtime(text string) (time.Time, error) {
	whole, fraction, hasFraction := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || hasFraction && (fraction == "" || strings.Trim(fraction, "0123456789") != "") {
		return time.Time{}, errMtimeSyntax
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if strings.HasPrefix(whole, "-") {
		nanos = -nanos
	}
	when := time.Unix(seconds, nanos)
	// Package os counts the time of a file in nanoseconds, in 64 bits.
	if !time.Unix(0, when.UnixNano()).Equal(when) {
		return time.Time{}, errMtimeSyntax
	}
	return when, nil
}

// joinedField returns the lines of a field, joined as RFC 9110, 5.3, allows.
func joinedField(header http.Header, name string) string {
	lines := header.Values(name)
	if len(lines) == 0 {
		return ""
	}
	all := lines[0]
	for _, line := range lines[1:] {
		all += ", " + line
	}
	return all
}

// number parses a field that is a number of bytes; absent is -1.
func number(header http.Header, name string) (int64, error) {
	lines := header.Values(name)
	if len(lines) == 0 {
		return -1, nil
	}
	n, err := strconv.ParseUint(lines[0], 10, 63)
	if err != nil || len(lines) > 1 || lines[0][0] == '+' {
		return 0, refuse(http.StatusBadRequest, name+" is malformed: send a number of bytes, in digits.")
	}
	return int64(n), nil
}
