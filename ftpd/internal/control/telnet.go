package control

import "bytes"

// Telnet commands in a line (RFC 854; RFC 959, 4.1.3, for ABOR).
const (
	telnetFirst = 240 // SE, the first command
	telnetWill  = 251 // WILL, WONT, DO and DONT: an option follows
	telnetIAC   = 255 // precedes a command; two of them stand for the byte 255
)

// cleanLine removes the end of a line and the parts of Telnet: Telnet commands before the
// argument, in the argument the second of two bytes 255, and the NUL after a carriage
// return. Other bytes of the argument stay, whatever their encoding, because most clients
// do not implement Telnet.
func cleanLine(raw []byte) (string, error) {
	raw = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	if bytes.IndexByte(raw, telnetIAC) < 0 && bytes.IndexByte(raw, 0) < 0 {
		return trimUrgent(string(raw)), nil
	}
	clean := make([]byte, 0, len(raw))
	argument := false
	for i := 0; i < len(raw); i++ {
		c, next := raw[i], byte(1)
		if i+1 < len(raw) {
			next = raw[i+1]
		}
		switch {
		case c == '\r' && next == 0: // a carriage return in a name
			i++
		case c == 0:
			return "", ErrNUL
		case c == telnetIAC && next == telnetIAC:
			i++
		case argument:
		case c == ' ':
			argument = true
		case c == telnetIAC && next >= telnetWill:
			i += 2
			continue
		case c == telnetIAC && next >= telnetFirst:
			i++
			continue
		}
		clean = append(clean, c)
	}
	return trimUrgent(string(clean)), nil
}

// trimUrgent removes the rest of a Telnet Synch before ABOR, if the kernel has taken the
// urgent byte out of the stream.
func trimUrgent(line string) string {
	for line != "" && line[0] >= telnetFirst {
		line = line[1:]
	}
	return line
}
