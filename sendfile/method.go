package sendfile

import "fmt"

// Method is a way to move bytes between a file and a socket. The zero Method,
// Auto, is valid in Options only: no Result has it.
type Method uint8

// The methods. On a platform that lacks a method, Copy takes its place.
const (
	Auto     Method = iota // the best method that works for this file and this connection
	Sendfile               // sendfile(2), page cache to socket
	Splice                 // splice(2), socket to pipe to page cache
	Copy                   // read and write through a buffer in this process

	// TransmitFile is the Windows call of that name, page cache to socket. Auto
	// chooses it only on server editions and with a timeout. Client editions run
	// two of these calls at a time, counted over all processes: the others would
	// wait behind two peers that may be slow, until their own timeouts expire.
	// Options.Method forces it there too.
	TransmitFile
)

var methodNames = [...]string{Auto: "auto", Sendfile: "sendfile", Splice: "splice", Copy: "copy", TransmitFile: "transmitfile"}

// String returns the lower-case name that ParseMethod understands.
func (r Method) String() string {
	if int(r) < len(methodNames) {
		return methodNames[r]
	}
	return fmt.Sprintf("method(%d)", uint8(r))
}

// MarshalText returns String, so that JSON has the name instead of a number.
func (r Method) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// ParseMethod returns the Method whose String is name.
func ParseMethod(name string) (Method, error) {
	for r, s := range methodNames {
		if s == name {
			return Method(r), nil
		}
	}
	return Auto, fmt.Errorf("unknown method %q", name)
}
