package live

import (
	"fmt"
	"slices"
)

// Protocol is what is spoken in a session.
type Protocol uint8

// The protocols.
const (
	HTTP Protocol = iota
	HTTPS
	FTP
	FTPS // FTP of which the commands go by TLS

	protocols = iota
)

var protocolNames = [protocols]string{"http", "https", "ftp", "ftps"}

// String returns the lower-case name, as "https".
func (p Protocol) String() string {
	if p < protocols {
		return protocolNames[p]
	}
	return fmt.Sprintf("protocol(%d)", uint8(p))
}

// IsFTP reports whether it is FTP, by TLS or in clear.
func (p Protocol) IsFTP() bool { return p == FTP || p == FTPS }

// MarshalText makes JSON show the name.
func (p Protocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText has written.
func (p *Protocol) UnmarshalText(text []byte) error {
	i := slices.Index(protocolNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown protocol %q", text)
	}
	*p = Protocol(i)
	return nil
}
