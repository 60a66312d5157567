package control

import (
	"slices"
	"strings"
)

// isBinary reports whether the client begins with a handshake of TLS or SSL 2 rather
// than with a command.
func (in *Input) isBinary() bool {
	const tls, ssl2 = 0x16, 0x80
	return in.have > 0 && (in.buf[0] == tls || in.buf[0] == ssl2)
}

// foreignPrefixes are the beginnings of first lines of other protocols. An attacker can
// make a browser send such a line to this port, with FTP commands after it.
var foreignPrefixes = []string{
	"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI ", // HTTP
	"SSH-",          // SSH
	"EHLO ",         // SMTP
	"HELO ",         //
	"\x03",          // TPKT, of RDP
	"PROXY TCP",     // the PROXY protocol, which is not enabled here
	"PROXY UNKNOWN", //
}

// isForeign reports whether a client's first line is of another protocol.
func isForeign(line string) bool {
	return slices.ContainsFunc(foreignPrefixes, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
}
