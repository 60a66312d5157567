package s3fs

import (
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Keys are credentials.
type Keys struct {
	AccessKey, SecretKey string
	SessionToken         string // of those that are valid for a while; "": none
}

// keysAge is how old Keys may be before they are asked for again.
const keysAge = time.Minute

// keysProvider asks for Keys. Its methods are called by one goroutine at a time.
type keysProvider struct {
	ask   func() (Keys, error)
	known credentials.Value
	asked time.Time // zero: never
}

// RetrieveWithCredContext implements credentials.Provider.
func (p *keysProvider) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	keys, err := p.ask()
	switch {
	case err == nil:
		p.known = credentials.Value{
			AccessKeyID: keys.AccessKey, SecretAccessKey: keys.SecretKey, SessionToken: keys.SessionToken, SignerType: credentials.SignatureV4,
		}
	case p.asked.IsZero():
		return credentials.Value{}, err
	}
	p.asked = time.Now()
	return p.known, nil
}

// Retrieve implements credentials.Provider.
func (p *keysProvider) Retrieve() (credentials.Value, error) { return p.RetrieveWithCredContext(nil) }

// IsExpired implements credentials.Provider.
func (p *keysProvider) IsExpired() bool { return time.Since(p.asked) > keysAge }
