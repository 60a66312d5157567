// Package deadprop stores the properties of WebDAV that clients set (dead properties, RFC 4918, 4.1) with their files: in
// extended attributes of the user (xattr(7)), which stay with a file that is moved, and which package upload copies. It
// works on Linux, for files of file systems with such attributes.
//
// Properties are checked again when they are read, because users of this machine can set the attributes too.
package deadprop

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"

	"sluice/httpd/internal/dav"
)

// ErrFull means that a file has no room for a property.
var ErrFull = errors.New("no room for the property")

// Bounds for one file. Most file systems have room for less: ext4 for 4 KiB.
const (
	maxProperties = 100
	maxSize       = 16 << 10 // of a property, with its name
)

// prefix begins the names of the attributes. The rest is made of the name of the property, which may be longer than that
// of an attribute.
const prefix = "user.sluice.dav."

func attribute(n dav.Name) string {
	sum := sha256.Sum256([]byte(n.Space + "\x00" + n.Local))
	return prefix + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// stored is the value of an attribute.
type stored struct {
	Space string `json:"space"`
	Local string `json:"local"`
	Lang  string `json:"lang,omitempty"`
	Value string `json:"value"`
}

func encode(p dav.Property) ([]byte, error) {
	b, err := json.Marshal(stored{p.Space, p.Local, p.Lang, p.Value})
	if err == nil && len(b) > maxSize {
		err = ErrFull
	}
	return b, err
}

// decode returns the property in the value of an attribute, or false if a client cannot have stored it.
func decode(b []byte) (dav.Property, bool) {
	var s stored
	if len(b) > maxSize || json.Unmarshal(b, &s) != nil {
		return dav.Property{}, false
	}
	p := dav.Property{Name: dav.Name{Space: s.Space, Local: s.Local}, Lang: s.Lang, Value: s.Value}
	return p, p.IsValid()
}
