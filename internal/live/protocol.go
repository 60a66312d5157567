package live

import (
	"fmt"
	"slices"
)

// Protocol is the protocol of a session.
type Protocol uint8

// The protocols.
const (
	HTTP Protocol = iota
	HTTPS
	FTP
	FTPS // FTP with TLS on the control connection

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

// IsFTP reports whether p is FTP, with or without TLS.
func (p Protocol) IsFTP() bool { return p == FTP || p == FTPS }

// MarshalText writes the name into JSON.
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
