package methods

import "time"

// The runner and the server talk by lines of JSON: the runner says what to
// serve and is told where; then each line that it sends asks what the server
// has used so far. The end of what it sends is the end of the server.
type (
	// orders come first.
	orders struct {
		Hot  string `json:"hot"`  // folder of the files for /METHOD/FILE
		Cold string `json:"cold"` // of those for /cold/METHOD/FILE; "": there are none
	}

	// a welcome answers them.
	welcome struct {
		Plain  string `json:"plain"`  // address, host:port
		Secure string `json:"secure"` // of the TLS listener
		Err    string `json:"err,omitempty"`
	}

	// a question may be anything; an account answers it.
	question struct{}

	// An account is what the server has used since it began.
	account struct {
		At       time.Duration // since a moment of its own
		User     time.Duration // of processors
		System   time.Duration // without what it took to empty the page cache
		Switches int64         // of context, voluntary or not
		Known    bool          // the three above
	}
)

// Sub returns what was used since an earlier account.
func (a account) sub(b account) account {
	return account{
		At:       a.At - b.At,
		User:     a.User - b.User,
		System:   max(a.System-b.System, 0),
		Switches: a.Switches - b.Switches,
		Known:    a.Known && b.Known,
	}
}
