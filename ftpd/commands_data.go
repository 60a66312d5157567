package ftpd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd/internal/dataconn"
	"sluice/internal/account"
	"sluice/internal/upload"
)

// dataCommands set up data connections, and transfer data over them.
var dataCommands = map[string]command{
	"TYPE": {arg: requiredArg, syntax: "A|I|L 8", words: true, login: true, run: (*session).setType},
	"STRU": {arg: requiredArg, syntax: "F", words: true, login: true, run: (*session).stru},
	"MODE": {arg: requiredArg, syntax: "S", words: true, login: true, run: (*session).mode},
	"ALLO": {arg: requiredArg, syntax: "bytes [R bytes]", words: true, login: true, run: (*session).allo},

	"PASV": {login: true, run: (*session).pasv},
	"EPSV": {arg: optionalArg, syntax: "[1|2|ALL]", words: true, login: true, run: (*session).epsv, feat: fixedFeat("EPSV")},
	"PORT": {arg: requiredArg, syntax: "h1,h2,h3,h4,p1,p2", words: true, login: true, run: (*session).port},
	"EPRT": {arg: requiredArg, syntax: "|family|address|port|", words: true, login: true, run: (*session).eprt, feat: fixedFeat("EPRT")},
	"ABOR": {duringTransfer: true, run: (*session).abor},

	"REST": {arg: requiredArg, syntax: "offset", words: true, login: true, run: (*session).restartAt, feat: fixedFeat("REST STREAM")},
	"RANG": {arg: requiredArg, syntax: "first last", words: true, login: true, run: (*session).rang, feat: fixedFeat("RANG STREAM")},
	"RETR": {arg: requiredArg, syntax: "file", login: true, data: true, work: (*operation).retr, quick: true},
	"STOR": {arg: requiredArg, syntax: "file", login: true, data: true, work: (*operation).stor},
	"APPE": {arg: requiredArg, syntax: "file", login: true, data: true, work: (*operation).stor},
	"STOU": {arg: optionalArg, syntax: "[file]", login: true, data: true, work: (*operation).stor},
	"LIST": {arg: optionalArg, syntax: "[pattern]", login: true, data: true, work: (*operation).list},
	"NLST": {arg: optionalArg, syntax: "[pattern]", login: true, data: true, work: (*operation).list},
	"MLSD": {arg: optionalArg, syntax: "[directory]", login: true, data: true, work: (*operation).list},
}

// setType answers TYPE. No type converts anything, unless a driver of ftpserverlib
// leaves the conversion of line ends on.
func (s *session) setType(arg string) reply {
	switch strings.ToUpper(strings.Join(strings.Fields(arg), " ")) {
	case "A", "A N":
		s.ascii = true
		if s.convertsLines() {
			return newReply(200, "Type is ASCII")
		}
		return newReply(200, "Type is ASCII, without conversion")
	case "I", "L 8", "L8":
		s.ascii = false
		return newReply(200, "Type is binary")
	}
	return newReply(504, "Types are A, A N, I and L 8")
}

// convertsLines reports whether transfers convert line ends: after TYPE A, if the driver
// wants that.
func (s *session) convertsLines() bool { return s.ascii && s.server.policy.convertASCII }

// stru answers STRU.
func (s *session) stru(arg string) reply {
	if !strings.EqualFold(arg, "F") {
		return newReply(504, "The structure is F")
	}
	return newReply(200, "Structure is F")
}

// mode answers MODE.
func (s *session) mode(arg string) reply {
	if !strings.EqualFold(arg, "S") {
		return newReply(504, "The mode is S")
	}
	return newReply(200, "Mode is S")
}

// allo answers ALLO, which reserves nothing, unless a driver does. It refuses a size that
// is larger than the quota of the user, or for which the disk has no room. The next upload
// is refused before its data connection if the rest of the quota is too small. If that has
// another size, its final reply says so.
func (s *session) allo(arg string) reply {
	words := strings.Fields(arg)
	if len(words) != 1 && (len(words) != 3 || !strings.EqualFold(words[1], "R")) {
		return newReply(501, "Use ALLO 1000 or ALLO 1000 R 80")
	}
	size, err := strconv.ParseUint(words[0], 10, 63)
	if len(words) == 3 && err == nil {
		_, err = strconv.ParseUint(words[2], 10, 63)
	}
	if err != nil {
		return newReply(501, "Invalid number of bytes")
	}
	if s.user.rights&(account.Create|account.Change) != 0 {
		if err := s.user.space.Fits(s.dir(), int64(size)); err != nil {
			return fileErrorReply(err)
		}
	}
	text := "Nothing needs to be reserved"
	if s.user.ext.allocate != nil {
		if err := s.user.ext.allocate(int(size)); err != nil {
			return fileErrorReply(err)
		}
		text = "Reserved"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allocated = int64(size)
	return newReply(200, text)
}

// abor answers ABOR when no operation is under way; otherwise see holdOrAnswer.
func (s *session) abor(string) reply {
	s.dropSource()
	return newReply(226, "Nothing to abort")
}

// span is a range of bytes of a file.
type span struct{ first, last int64 } // both included

// The error and the reply for an offset while line ends are converted: it would count
// converted bytes.
var (
	errASCIIOffset   = errors.New("TYPE A converts lines and allows no offsets: send TYPE I")
	replyASCIIOffset = newReply(501, capitalize(errASCIIOffset.Error()))
)

// restartAt answers REST.
func (s *session) restartAt(arg string) reply {
	if s.convertsLines() {
		return replyASCIIOffset
	}
	n, ok := parseOffset(arg)
	if !ok {
		return newReply(501, "Invalid offset: use a number of bytes")
	}
	s.restart, s.byteRange = n, nil
	return newReply(350, fmt.Sprintf("Restarting at %d", n))
}

// rang answers RANG, which sets the first and last byte of the next RETR or HASH (draft
// bryan-ftp-range). A last byte before the first removes the range.
func (s *session) rang(arg string) reply {
	if s.convertsLines() {
		return replyASCIIOffset
	}
	a, b, _ := strings.Cut(arg, " ")
	first, ok1 := parseOffset(a)
	last, ok2 := parseOffset(b)
	if !ok1 || !ok2 {
		return newReply(501, "Invalid range: use RANG 0 1023")
	}
	s.restart, s.byteRange = 0, nil
	if last < first {
		return newReply(350, "No range")
	}
	s.byteRange = &span{first, last}
	return newReply(350, fmt.Sprintf("Range from %d to %d", first, last))
}

// takeRange returns the first and last byte of the next transfer, from REST or RANG, and
// forgets them. last is negative for the end of the file.
func (s *session) takeRange() (first, last int64) {
	first, last = s.restart, -1
	if s.byteRange != nil {
		first, last = s.byteRange.first, s.byteRange.last
	}
	s.restart, s.byteRange = 0, nil
	return first, last
}

// parseOffset reads an offset of decimal digits.
func parseOffset(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil && s[0] != '+'
}

var replyEPSVOnly = newReply(501, "Only EPSV is allowed after EPSV ALL")

// pasv answers PASV (RFC 959).
func (s *session) pasv(string) reply {
	if s.epsvOnly {
		return replyEPSVOnly
	}
	public, err := s.publicAddr()
	if err != nil {
		return newReply(425, "The public address is not known: "+stripPaths(err).Error())
	}
	if !public.Is4() {
		return newReply(425, "PASV is for IPv4, use EPSV")
	}
	p, refusal := s.listen()
	if !refusal.IsZero() {
		return refusal
	}
	h := public.As4()
	return newReply(227, fmt.Sprintf("Entering Passive Mode (%d,%d,%d,%d,%d,%d)", h[0], h[1], h[2], h[3], p>>8, p&0xff))
}

// epsv answers EPSV (RFC 2428, 3).
func (s *session) epsv(arg string) reply {
	switch family := s.family(); {
	case strings.EqualFold(arg, "ALL"):
		s.epsvOnly = true
		return newReply(200, "Only EPSV from now on")
	case arg != "" && arg != family:
		return replyFamily(family)
	}
	p, refusal := s.listen()
	if !refusal.IsZero() {
		return refusal
	}
	return newReply(229, fmt.Sprintf("Entering Extended Passive Mode (|||%d|)", p))
}

// port answers PORT (RFC 959).
func (s *session) port(arg string) reply {
	addr, err := parsePort(arg)
	if err != nil {
		return newReply(501, "Use PORT 192,0,2,1,200,10")
	}
	return s.connectTo(addr)
}

// eprt answers EPRT (RFC 2428, 2).
func (s *session) eprt(arg string) reply {
	family, addr, err := parseEprt(arg)
	switch {
	case err != nil:
		return newReply(501, "Use EPRT |1|192.0.2.1|51210|")
	case family != s.family():
		return replyFamily(s.family())
	}
	return s.connectTo(addr)
}

// family returns the number of the session's address family in RFC 2428, 2.
func (s *session) family() string {
	if s.local.Addr().Is4() {
		return "1"
	}
	return "2"
}

func replyFamily(family string) reply {
	return newReply(522, "Network protocol not supported, use ("+family+")")
}

// listen reserves a passive port for the client, and returns the number to announce.
func (s *session) listen() (port uint16, refusal reply) {
	s.dropSource() // frees its port first
	l, err := s.server.ports.Listen(s.local.Addr(), s.remote.Addr(), s.server.acceptTimeout(), s.onSecondConn)
	if err != nil {
		return 0, newReply(425, "Cannot listen for a data connection: "+stripPaths(err).Error())
	}
	if s.boundTickets && s.protectsData() {
		l.KeepStranger()
	}
	s.setSource(l)
	s.updateContext(func(c *clientContext) { c.channel = ftpserver.DataChannelPassive })
	return l.Port(), reply{}
}

// secondConnError ends a transfer because two connections came to its passive port, so
// that neither the connection nor the data received is certainly the client's.
type secondConnError struct{ error }

func (e secondConnError) Unwrap() []error { return []error{e.error, upload.ErrUntrusted} }

// onSecondConn is called when a second connection has come to the passive port of
// source. It ends the transfer that uses the first one, if there is one; otherwise the
// next transfer is refused.
func (s *session) onSecondConn(source *dataconn.Passive, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source == source && s.sourceUsed && s.op != nil {
		s.op.cancel(secondConnError{err})
	}
}

// hasSecondConn reports whether a second connection has come to the passive port, so
// that the data connection may not be the client's.
func (op *operation) hasSecondConn() bool {
	return errors.Is(context.Cause(op.ctx), dataconn.ErrSecond)
}

// connectTo answers PORT and EPRT: the next data connection will go to addr, if
// checkActive allows that.
func (s *session) connectTo(addr netip.AddrPort) reply {
	switch {
	case s.epsvOnly:
		return replyEPSVOnly
	case s.server.NoActive:
		return newReply(502, "Use EPSV or PASV")
	}
	if err := s.checkActive(addr); err != nil {
		return newReply(501, capitalize(err.Error()))
	}
	from, to := netip.AddrPortFrom(s.local.Addr(), s.server.policy.activePort), addr
	if addr.Addr() == s.remote.Addr().WithZone("") {
		to = netip.AddrPortFrom(s.remote.Addr(), addr.Port()) // with its zone
	}
	s.updateContext(func(c *clientContext) { c.channel = ftpserver.DataChannelActive })
	s.setSource(dataconn.Dial(from, to, s.server.acceptTimeout(), func() error { return s.checkActive(addr) }))
	return newReply(200, "OK")
}

// setSource sets the source of the next data connection.
func (s *session) setSource(d dataconn.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropSourceLocked()
	s.source = d
}

// dropSource closes the source of the next data connection, if there is one.
func (s *session) dropSource() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropSourceLocked()
}

func (s *session) dropSourceLocked() {
	if s.source != nil {
		s.source.Close()
	}
	s.source, s.sourceUsed = nil, false
}

// mayTransfer returns the reply that refuses a transfer now; the zero reply: none.
func (s *session) mayTransfer() reply {
	protect := s.mustProtect()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return replyShutdown
	case protect && !s.protectData:
		return newReply(522, "Data must be protected: PROT P") // RFC 4217, 10
	case s.source == nil:
		return newReply(425, "No data connection: send PASV, EPSV, PORT or EPRT first")
	}
	return reply{}
}

// parsePort parses the argument of PORT: four bytes of an address and two of a
// port, in decimal.
func parsePort(arg string) (netip.AddrPort, error) {
	var b [6]byte
	fields := strings.Split(arg, ",")
	if len(fields) != len(b) {
		return netip.AddrPort{}, strconv.ErrSyntax
	}
	for i, field := range fields {
		n, err := strconv.ParseUint(field, 10, 8)
		if err != nil {
			return netip.AddrPort{}, err
		}
		b[i] = byte(n)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), uint16(b[4])<<8|uint16(b[5])), nil
}

// parseEprt parses the argument of EPRT: family, address and port between
// delimiters, which are | as a rule. A zone of the address means something only on the
// client's host, and is ignored.
func parseEprt(arg string) (family string, addr netip.AddrPort, err error) {
	if arg == "" || arg[0] < '!' || arg[0] > '~' {
		return "", addr, strconv.ErrSyntax
	}
	fields := strings.Split(arg, arg[:1])
	if len(fields) != 5 || fields[4] != "" {
		return "", addr, strconv.ErrSyntax
	}
	family = fields[1]
	if family != "1" && family != "2" {
		return family, addr, nil // refused, whatever follows
	}
	ip, err := netip.ParseAddr(fields[2])
	if err != nil {
		return family, addr, err
	}
	port, err := strconv.ParseUint(fields[3], 10, 16)
	if err != nil || ip.Is4() != (family == "1") {
		return family, addr, strconv.ErrSyntax
	}
	return family, netip.AddrPortFrom(ip.WithZone("").Unmap(), uint16(port)), nil
}
