package dataconn

import (
	"crypto/tls"
	"slices"
	"strings"
)

// protocols are the names of FTP for ALPN. A browser that an attacker has sent here asks
// for other ones, and the handshake fails (the ALPACA attack).
var protocols = []string{"ftp", "ftp-data"}

// foreignNames are the registered names of other protocols, and foreignFamilies the
// beginnings of some. A name that is not among them may be that of an FTP client, such as
// x-filezilla-ftp.
var (
	foreignNames = []string{
		"h2", "h2c", "h3", "webrtc", "c-webrtc", "imap", "pop3", "managesieve", "irc", "nntp", "nnsp", "coap", "co", "mqtt", "dot", "doq",
		"sunrpc", "smb", "dicom", "postgresql", "ldap", "smtp", "submission", "ssh",
	}
	foreignFamilies = []string{"http/", "spdy/", "h3-", "hq-", "stun.", "xmpp-", "acme-tls/", "ntske/", "sip/", "tds/", "radius/", "netperfmeter/"}
)

// isForeign reports whether name is that of a protocol other than FTP.
func isForeign(name string) bool {
	return slices.Contains(foreignNames, name) ||
		slices.ContainsFunc(foreignFamilies, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

// allowUnknown makes c accept clients whose names are neither those of FTP nor of another
// protocol: they get no answer to them. All others are answered, or refused, by package
// tls. own is the operator's GetConfigForClient, which comes first; it may be nil.
func allowUnknown(c *tls.Config, own func(*tls.ClientHelloInfo) (*tls.Config, error)) {
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if own != nil {
			if config, err := own(hello); config != nil || err != nil {
				return config, err
			}
		}
		offered := hello.SupportedProtos
		isKnown := func(name string) bool { return slices.Contains(protocols, name) || isForeign(name) }
		if len(offered) == 0 || slices.ContainsFunc(offered, isKnown) {
			return nil, nil
		}
		lax := c.Clone() // package tls uses it with the ticket keys of c
		lax.NextProtos = nil
		return lax, nil
	}
}
