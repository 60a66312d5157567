package methods

import "time"

// The runner and the server exchange lines of JSON over the standard input and
// output of the server: the runner sends a setup and gets addresses, and then
// sends usage requests and gets usages. The end of its input ends the server.
type (
	setup struct {
		Hot  string `json:"hot"`  // folder of the files for /METHOD/FILE
		Cold string `json:"cold"` // folder of those for /cold/METHOD/FILE; "": none
	}

	// addresses are where the server listens, or why it does not.
	addresses struct {
		Plain  string `json:"plain"`  // host:port
		Secure string `json:"secure"` // host:port of the TLS listener
		Err    string `json:"err,omitempty"`
	}

	usageRequest struct{}

	// A usage is what the server has used since it began.
	usage struct {
		At       time.Duration // when, on a clock of the server
		User     time.Duration // processor time
		System   time.Duration // processor time, without that of emptying the page cache
		Switches int64         // context switches, voluntary or not
		Known    bool          // whether the three above are
	}
)

// sub returns what was used between b and a.
func (a usage) sub(b usage) usage {
	return usage{
		At:       a.At - b.At,
		User:     a.User - b.User,
		System:   max(a.System-b.System, 0),
		Switches: a.Switches - b.Switches,
		Known:    a.Known && b.Known,
	}
}
