package control

import "bytes"

// What Telnet puts among the bytes of a line (RFC 854; RFC 959, 4.1.3, for
// ABOR).
const (
	telnetFirst = 240 // SE, the first command
	telnetWill  = 251 // WILL, WONT, DO and DONT: an option follows
	telnetIAC   = 255 // a command follows, or the byte itself
)

// cleanLine takes off the end of a line and what is Telnet's: its commands before the
// argument, and in the argument the second of two bytes 255. Other bytes of names stay,
// whatever their encoding: most clients do not know of Telnet. A carriage return in a
// name is followed by NUL, which goes too.
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
		case c == '\r' && next == 0: // a carriage return that ends nothing
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

// trimUrgent takes off what is left of Telnet's Synch before ABOR where the
// urgent byte was taken out of the stream.
func trimUrgent(line string) string {
	for line != "" && line[0] >= telnetFirst {
		line = line[1:]
	}
	return line
}
