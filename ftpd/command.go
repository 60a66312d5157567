package ftpd

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"sluice/ftpd/internal/control"
)

type reply = control.Reply

// newReply returns a reply of one or more lines.
func newReply(code int, lines ...string) reply { return control.NewReply(code, lines...) }

// argRule says whether a command takes an argument.
type argRule int

const (
	noArg argRule = iota // one that is sent all the same is ignored
	optionalArg
	requiredArg // without one the reply is 501, and the command does not run
)

// command is an entry in the tables of commands. A command in no table gets 500. It
// has either run or work.
type command struct {
	arg            argRule
	syntax         string // of the argument, for HELP
	words          bool   // the argument is no name of a file: blanks around it mean nothing
	login          bool   // only after login
	duringTransfer bool   // answered at once while an operation is under way

	// run runs the command on the goroutine that reads commands, and returns the reply.
	run func(s *session, arg string) reply

	// work runs a command that may take long, as an operation, and returns its final
	// reply. Meanwhile the client may send ABOR, NOOP, STAT and HELP. work must return
	// soon after the context of the operation has ended. If quick is set, work begins on
	// the goroutine that reads commands, and must call detach before it waits for the
	// client.
	work  func(op *operation, arg string) reply
	quick bool

	// data says that work needs a data connection. One PASV, EPSV, PORT or EPRT is good
	// for one such command, even if that is refused.
	data bool

	// feat returns the line of FEAT, without the space before it; nil or "": none.
	feat func(s *session) string
}

// commands has all commands by name, in capitals.
var commands map[string]command

func init() {
	commands = make(map[string]command)
	for _, table := range []map[string]command{sessionCommands, tlsCommands, dataCommands, fileCommands} {
		maps.Copy(commands, table)
	}
}

// unimplemented lists commands of RFCs that get 502 (not implemented) rather than 500
// (unknown); RFC 959, 4.2.
var unimplemented = []string{
	"COMB", "SMNT", "ADAT", "CCC", "MIC", "CONF", "ENC", "LPRT", "LPSV", "MFCT", "MAIL", "MSND", "MSOM", "MSAM", "MRSQ", "MRCP", "MLFL",
	"XRSQ", "XSEM", "XSEN",
}

// The reply and the error for a command that the driver's settings disable.
var (
	replyDisabled = newReply(502, "That command is disabled")
	errDisabled   = errors.New("that is disabled")
)

// lookUp looks a command up, and returns the reply that refuses it; the zero reply: it
// can run. The reply does not repeat an unknown command, which may be a password.
func (s *session) lookUp(name, arg string) (command, reply) {
	cmd, ok := commands[name]
	switch {
	case slices.Contains(unimplemented, name):
		return cmd, newReply(502, "Not implemented")
	case !ok:
		return cmd, newReply(500, "Unknown command")
	case s.server.policy.disabled[name]:
		return cmd, replyDisabled
	case cmd.login && s.user == nil:
		return cmd, newReply(530, "Log in with USER and PASS first")
	}
	return cmd, cmd.checkArg(name, arg)
}

// checkArg returns the reply that refuses arg; the zero reply: arg is valid.
func (c command) checkArg(name, arg string) reply {
	if c.arg == requiredArg && strings.TrimSpace(arg) == "" {
		return newReply(501, "Usage: "+c.usage(name))
	}
	return reply{}
}

// cleanArg returns arg as the command takes it. Clients send needless arguments and
// blanks, and other servers ignore them.
func (c command) cleanArg(arg string) string {
	switch {
	case c.arg == noArg:
		return ""
	case c.words:
		return strings.TrimSpace(arg)
	}
	return arg
}

// usage returns the syntax of the command.
func (c command) usage(name string) string {
	if c.syntax == "" {
		return name
	}
	return name + " " + c.syntax
}

// fixedFeat returns a command.feat that always returns text.
func fixedFeat(text string) func(*session) string {
	return func(*session) string { return text }
}
