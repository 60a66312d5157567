package ftpd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// protocolCommands are the commands that are about the session itself.
var protocolCommands = map[string]command{
	"USER": {arg: requiredArg, syntax: "name", run: (*session).userCommand},
	"PASS": {arg: optionalArg, syntax: "password", pass: (*session).passPassword},
	"ACCT": {arg: requiredArg, syntax: "account", run: func(*session, string) reply { return say(202, "No account is needed") }},
	"REIN": {run: (*session).reinCommand},
	"QUIT": {},
	"HOST": {arg: requiredArg, syntax: "name", run: (*session).hostCommand, feat: line("HOST")},

	"AUTH": {arg: requiredArg, syntax: "TLS", run: (*session).authCommand, feat: featTLS("AUTH TLS")},
	"PBSZ": {arg: requiredArg, syntax: "0", run: (*session).pbszCommand, feat: featTLS("PBSZ")},
	"PROT": {arg: requiredArg, syntax: "C|P", run: (*session).protCommand, feat: featTLS("PROT")},
	"CCC":  {login: true, run: (*session).cccCommand, feat: featCCC},

	"TYPE": {arg: requiredArg, syntax: "A|I|L 8", login: true, run: (*session).typeCommand},
	"STRU": {arg: requiredArg, syntax: "F", login: true, run: (*session).struCommand},
	"MODE": {arg: requiredArg, syntax: "S", login: true, run: (*session).modeCommand},
	"ALLO": {arg: requiredArg, syntax: "bytes [R bytes]", login: true, run: (*session).alloCommand},

	"PASV": {login: true, run: (*session).pasvCommand},
	"EPSV": {arg: optionalArg, syntax: "[1|2|ALL]", login: true, run: (*session).epsvCommand, feat: line("EPSV")},
	"PORT": {arg: requiredArg, syntax: "h1,h2,h3,h4,p1,p2", login: true, run: (*session).portCommand},
	"EPRT": {arg: requiredArg, syntax: "|family|address|port|", login: true, run: (*session).eprtCommand, feat: line("EPRT")},
	"ABOR": {during: true, run: (*session).aborCommand},

	"FEAT": {run: (*session).featCommand, feat: line("TVFS")},
	"OPTS": {arg: requiredArg, syntax: "command [options]", run: (*session).optsCommand, feat: line("UTF8")},
	"LANG": {arg: optionalArg, syntax: "[EN]", run: (*session).langCommand, feat: line("LANG EN*")},
	"HELP": {arg: optionalArg, syntax: "[command]", during: true, run: (*session).helpCommand},
	"STAT": {arg: optionalArg, syntax: "[path]", during: true, run: (*session).statCommand},
	"SITE": {arg: requiredArg, syntax: "command", login: true, run: (*session).siteCommand},
	"NOOP": {during: true, run: func(*session, string) reply { return say(200, "OK") }},
	"SYST": {run: func(*session, string) reply { return say(215, "UNIX Type: L8") }},
	"CLNT": {arg: requiredArg, syntax: "name", run: func(*session, string) reply { return say(200, "OK") }, feat: line("CLNT")},
}

// unimplemented are commands of RFCs that are known and not done, which get
// 502 where others get 500 (RFC 959, 4.2).
var unimplemented = []string{
	"COMB", "SMNT", "ADAT", "MIC", "CONF", "ENC", "LPRT", "LPSV", "MFCT", "MAIL", "MSND", "MSOM", "MSAM", "MRSQ", "MRCP", "MLFL", "XRSQ", "XSEM", "XSEN",
}

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
	case cmd.login && s.driver == nil:
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

// hostCommand is HOST (RFC 7151), which must come before the login. There is
// one tree, and all names are its names.
func (s *session) hostCommand(name string) reply {
	if s.driver != nil || s.name != "" {
		return say(503, "HOST comes before USER")
	}
	bracketed := strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]")
	if strings.ContainsAny(name, " /@") || strings.Contains(name, ":") && !bracketed {
		return say(501, "That is no name of a host")
	}
	return say(220, "Here you are")
}

// typeCommand is TYPE. All types mean bytes as they are.
func (s *session) typeCommand(arg string) reply {
	switch strings.ToUpper(arg) {
	case "A", "A N":
		s.ascii = true
		return say(200, "Type is ASCII, without conversion")
	case "I", "L 8":
		s.ascii = false
		return say(200, "Type is binary")
	}
	return say(504, "Types are A, A N, I and L 8")
}

// struCommand is STRU.
func (s *session) struCommand(arg string) reply {
	if !strings.EqualFold(arg, "F") {
		return say(504, "The structure is F")
	}
	return say(200, "Structure is F")
}

// modeCommand is MODE.
func (s *session) modeCommand(arg string) reply {
	if !strings.EqualFold(arg, "S") {
		return say(504, "The mode is S")
	}
	return say(200, "Mode is S")
}

// alloCommand is ALLO, which reserves nothing; but the client is told if what
// it sends next is not of that size.
func (s *session) alloCommand(arg string) reply {
	words := strings.Fields(arg)
	if len(words) != 1 && (len(words) != 3 || !strings.EqualFold(words[1], "R")) {
		return say(501, "Write it like ALLO 1000 or ALLO 1000 R 80")
	}
	size, err := strconv.ParseUint(words[0], 10, 63)
	if len(words) == 3 && err == nil {
		_, err = strconv.ParseUint(words[2], 10, 63)
	}
	if err != nil {
		return say(501, "That is no number of bytes")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allocated = int64(size)
	return say(200, "Nothing needs to be reserved")
}

// aborCommand is ABOR when nothing is under way.
func (s *session) aborCommand(string) reply {
	s.dropSource()
	return say(226, "Nothing to abort")
}

// options are the commands that OPTS knows.
var options = map[string]func(s *session, arg string) reply{
	"UTF8":  (*session).optsUTF8,
	"UTF-8": (*session).optsUTF8,
	"MLST":  (*session).optsMLST,
	"HASH":  (*session).optsHASH,
}

// optsCommand is OPTS (RFC 2389, 4).
func (s *session) optsCommand(arg string) reply {
	name, rest := splitLine(arg)
	run, ok := options[name]
	if !ok {
		return say(501, "That command has no options")
	}
	return run(s, rest)
}

// optsUTF8 is OPTS UTF8, which older clients want to hear before they send
// anything but ASCII.
func (s *session) optsUTF8(arg string) reply {
	if strings.EqualFold(strings.TrimSpace(arg), "OFF") {
		return say(504, "Names are sent as they are, UTF-8 as a rule")
	}
	return say(200, "UTF-8 is on")
}

// langCommand is LANG (RFC 2640, 4.1).
func (s *session) langCommand(arg string) reply {
	tag, _, _ := strings.Cut(strings.ToUpper(arg), "-")
	if tag != "" && tag != "EN" {
		return say(504, "Replies are in English")
	}
	return say(200, "Replies are in English")
}

// statCommand is STAT: of the session, or of a path as a listing.
func (s *session) statCommand(arg string) reply {
	switch {
	case arg == "":
		return s.status()
	case s.driver == nil:
		return say(530, "Log in with USER and PASS first")
	}
	return s.statPath(arg)
}

// siteCommand is SITE: commands of our own.
func (s *session) siteCommand(arg string) reply {
	name, rest := splitLine(arg)
	if name == "HELP" {
		return help("SITE ", siteCommands, rest)
	}
	cmd, ok := siteCommands[name]
	if !ok {
		return say(504, "Unknown command, see SITE HELP")
	}
	if refusal := cmd.checkArg("SITE "+name, rest); refusal.code != 0 {
		return refusal
	}
	return cmd.run(s, rest)
}

// helpCommand is HELP.
func (s *session) helpCommand(arg string) reply {
	name, rest := splitLine(arg)
	if name == "SITE" && rest == "" {
		return help("SITE ", siteCommands, "")
	}
	return help("", commands, arg)
}

// help tells of one of the commands, or of all if name is empty.
func help(prefix string, commands map[string]command, name string) reply {
	if name = asciiUpper(strings.TrimSpace(name)); name != "" {
		cmd, ok := commands[name]
		if !ok {
			return say(502, "Unknown command")
		}
		return say(214, cmd.usage(prefix+name))
	}
	const perLine = 8
	lines := []string{"Commands:"}
	for names := range slices.Chunk(slices.Sorted(maps.Keys(commands)), perLine) {
		var text strings.Builder
		for _, name := range names {
			fmt.Fprintf(&text, "%-8s", name)
		}
		lines = append(lines, strings.TrimRight(text.String(), " "))
	}
	return reply{214, append(lines, prefix+"HELP NAME tells of one")}
}
