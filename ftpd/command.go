package ftpd

import "maps"

// argRule says whether a command takes an argument.
type argRule int

const (
	noArg argRule = iota
	optionalArg
	requiredArg // without one the answer is 501, and nobody sees the command
)

// command is a command that clients may send. What is in no table is answered
// 500 by the guard: the library sees only what it may, in the form it
// understands.
type command struct {
	arg    argRule
	syntax string // of the argument, for HELP
	login  bool   // only after login
	during bool   // answered at once while a transfer or a long command is under way

	// long marks a run that may take long, as a transfer does: it has a
	// goroutine of its own, and must end soon after session.opContext has.
	// The client may send ABOR, NOOP and STAT meanwhile.
	long bool

	// run answers the command, on the goroutine of the library's reader, so
	// that nothing of the library runs or writes meanwhile. If run and open
	// are nil the library answers.
	run func(s *session, arg string) reply

	// open opens what the command moves over a data connection, on the
	// goroutine of the transfer, or if that is quick, as in a directory of this
	// machine, of the library's reader.
	// It tells the session of its own failure.
	open  func(d *driver, arg string) (mover, error)
	quick bool

	// pass returns the line that the library gets in the place of the
	// client's, without its end, or else the reply that the client gets. If
	// both are nil the library gets what the client has sent.
	pass func(s *session, arg string) (line string, refusal reply)

	// feat returns the line of FEAT, without the space before it; nil or "":
	// there is none.
	feat func(s *session) string
}

// reply is what a client is told: a code and one or more lines of text. Whoever
// sends it takes out what would forge other lines. The zero reply is none.
type reply struct {
	code  int
	lines []string
}

// say returns a reply of one line, or of more.
func say(code int, lines ...string) reply { return reply{code, lines} }

// commands are all commands by their names, in capitals.
var commands map[string]command

func init() {
	commands = maps.Clone(protocolCommands)
	maps.Copy(commands, contentCommands)
}

// line returns a feat that is always the same.
func line(text string) func(*session) string {
	return func(*session) string { return text }
}
