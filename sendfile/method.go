package sendfile

import "fmt"

// Method names the way bytes take through the kernel. The zero Method, Auto, is
// only asked for, never reported.
type Method uint8

// The methods. A method that a platform does not have falls back to Copy.
const (
	Auto     Method = iota // the best method that works for this file and this connection
	Sendfile               // sendfile(2), page cache to socket
	Splice                 // splice(2), socket to pipe to page cache
	Copy                   // read and write through a buffer in this process

	// TransmitFile is TransmitFile of Windows, page cache to socket. Auto
	// takes it on server editions and with a timeout only: the client editions
	// run two of these calls at a time, whoever makes them, and let the others
	// wait in line behind two peers that may be slow, while their own timeouts
	// pass. Forced by Options.Method it is taken there too.
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

// MarshalText makes JSON and flags show the name.
func (r Method) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// ParseMethod returns the Method that String calls name.
func ParseMethod(name string) (Method, error) {
	for r, s := range methodNames {
		if s == name {
			return Method(r), nil
		}
	}
	return Auto, fmt.Errorf("unknown method %q", name)
}
