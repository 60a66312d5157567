package ftpd

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"sluice/ftpd/internal/control"
)

// reply is what a client is told.
type reply = control.Reply

// say returns a reply of one line, or of more.
func say(code int, lines ...string) reply { return control.Say(code, lines...) }

// argRule says whether a command takes an argument.
type argRule int

const (
	noArg argRule = iota
	optionalArg
	requiredArg // without one the answer is 501, and nobody sees the command
)

// command is a command that clients may send. What is in no table is answered
// 500.
type command struct {
	arg    argRule
	syntax string // of the argument, for HELP
	login  bool   // only after login
	during bool   // answered at once while an operation is under way

	// run answers the command at once, on the goroutine that reads commands.
	run func(s *session, arg string) reply

	// work answers a command that may take long: it is an operation, during which
	// the client may send ABOR, NOOP, STAT and HELP. It must end soon after the
	// context of the operation has. If it is quick, it begins on the goroutine that
	// reads commands, and calls detach before it may have to wait for the client.
	work  func(op *operation, arg string) reply
	quick bool

	// data says that work needs a data connection. What the client has agreed on is
	// good for one such command, also for one that is refused.
	data bool

	// feat returns the line of FEAT, without the space before it; nil or "":
	// there is none.
	feat func(s *session) string
}

// commands are all commands by their names, in capitals.
var commands map[string]command

func init() {
	commands = make(map[string]command)
	for _, table := range []map[string]command{sessionCommands, tlsCommands, dataCommands, fileCommands} {
		maps.Copy(commands, table)
	}
}

// unimplemented are commands of RFCs that are known and not done, which get
// 502 where others get 500 (RFC 959, 4.2).
var unimplemented = []string{
	"COMB", "SMNT", "ADAT", "CCC", "MIC", "CONF", "ENC", "LPRT", "LPSV", "MFCT", "MAIL", "MSND", "MSOM", "MSAM", "MRSQ", "MRCP", "MLFL",
	"XRSQ", "XSEM", "XSEN",
}

// What is told of what the operator does not want.
var (
	replyDisabled = say(502, "That command is disabled")
	errDisabled   = errors.New("that is disabled")
)

// check looks a command up, and returns why it cannot be obeyed; the zero
// reply: it can. A command that is not known is not repeated: it may be a
// password.
func (s *session) check(name, arg string) (command, reply) {
	cmd, ok := commands[name]
	switch {
	case slices.Contains(unimplemented, name):
		return cmd, say(502, "Not implemented")
	case !ok:
		return cmd, say(500, "Unknown command")
	case s.server.policy.disabled[name]:
		return cmd, replyDisabled
	case cmd.login && s.user == nil:
		return cmd, say(530, "Log in with USER and PASS first")
	}
	return cmd, cmd.checkArg(name, arg)
}

// checkArg returns what is wrong with arg; the zero reply: nothing.
func (c command) checkArg(name, arg string) reply {
	switch {
	case c.arg == requiredArg && strings.TrimSpace(arg) == "":
		return say(501, "Write it like "+c.usage(name))
	case c.arg == noArg && strings.TrimSpace(arg) != "":
		return say(501, name+" takes no argument")
	}
	return reply{}
}

// usage returns how the command is written.
func (c command) usage(name string) string {
	if c.syntax == "" {
		return name
	}
	return name + " " + c.syntax
}

// line returns a feat that is always the same.
func line(text string) func(*session) string {
	return func(*session) string { return text }
}
