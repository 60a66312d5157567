package sendfile

import "fmt"

// Road names the way bytes take through the kernel. The zero Road, Auto, is
// only asked for, never reported.
type Road uint8

// The roads. A road that a platform does not have falls back to Copy.
const (
	Auto     Road = iota // the best road that works for this file and this connection
	Sendfile             // sendfile(2), page cache to socket
	Splice               // splice(2), socket to pipe to page cache
	Copy                 // read and write through a buffer in this process

	// TransmitFile is TransmitFile of Windows, page cache to socket. Auto
	// takes it on server editions and with a timeout only: the client editions
	// run two of these calls at a time, whoever makes them, and let the others
	// wait in line behind two peers that may be slow, while their own timeouts
	// pass. Forced by Options.Road it is taken there too.
	TransmitFile
)

var roadNames = [...]string{Auto: "auto", Sendfile: "sendfile", Splice: "splice", Copy: "copy", TransmitFile: "transmitfile"}

// String returns the lower-case name that ParseRoad understands.
func (r Road) String() string {
	if int(r) < len(roadNames) {
		return roadNames[r]
	}
	return fmt.Sprintf("road(%d)", uint8(r))
}

// ParseRoad returns the Road that String calls name.
func ParseRoad(name string) (Road, error) {
	for r, s := range roadNames {
		if s == name {
			return Road(r), nil
		}
	}
	return Auto, fmt.Errorf("unknown road %q", name)
}
