package control

import (
	"slices"
	"strings"
)

// isBinary reports whether what has come begins as a handshake of TLS or SSL 2
// does, which nobody has asked for, and no command.
func (in *Input) isBinary() bool {
	const tls, ssl2 = 0x16, 0x80
	return in.have > 0 && (in.buf[0] == tls || in.buf[0] == ssl2)
}

// foreign are what the first lines of other protocols begin with. A browser
// that is made to talk to this port sends commands of FTP after them.
var foreign = []string{
	"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", "PRI ", // HTTP
	"SSH-",          // SSH
	"EHLO ",         // SMTP
	"HELO ",         //
	"\x03",          // TPKT, of RDP
	"PROXY TCP",     // the PROXY protocol that nobody has switched on
	"PROXY UNKNOWN", //
}

// isForeign reports whether a client's first line is of another protocol.
func isForeign(line string) bool {
	return slices.ContainsFunc(foreign, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
}
