package ftpd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/ftpd/internal/control"
	"sluice/ftpd/internal/list"
)

// sessionCommands are about the session itself.
var sessionCommands = map[string]command{
	"USER": {arg: requiredArg, syntax: "name", run: (*session).userCommand},
	"PASS": {arg: optionalArg, syntax: "password", run: (*session).pass},
	"ACCT": {arg: requiredArg, syntax: "account", words: true, run: func(*session, string) reply { return newReply(202, "No account is needed") }},
	"REIN": {run: (*session).rein},
	"QUIT": {run: (*session).quit},
	"HOST": {arg: requiredArg, syntax: "name", words: true, run: (*session).hostCommand, feat: fixedFeat("HOST")},

	"FEAT": {run: (*session).feat, feat: fixedFeat("TVFS")},
	"OPTS": {arg: requiredArg, syntax: "command [options]", words: true, run: (*session).opts, feat: fixedFeat("UTF8")},
	"LANG": {arg: optionalArg, syntax: "[EN]", words: true, run: (*session).lang, feat: fixedFeat("LANG EN*")},
	"HELP": {arg: optionalArg, syntax: "[command]", words: true, duringTransfer: true, run: (*session).help},
	"STAT": {arg: optionalArg, syntax: "[path]", duringTransfer: true, run: (*session).stat},
	"SITE": {arg: requiredArg, syntax: "command", login: true, run: (*session).site},
	"NOOP": {duringTransfer: true, run: func(*session, string) reply { return newReply(200, "OK") }},
	"SYST": {run: func(*session, string) reply { return newReply(215, "UNIX Type: L8") }},
	"CLNT": {arg: requiredArg, syntax: "name", words: true, run: (*session).clnt, feat: fixedFeat("CLNT")},
}

// quit answers QUIT.
func (s *session) quit(string) reply {
	s.afterReply = func() error { return errClientGone }
	return newReply(221, s.server.driver.goodbye()...)
}

// clnt answers CLNT, by which a client names its program.
func (s *session) clnt(name string) reply {
	s.updateContext(func(c *clientContext) { c.version = name })
	return newReply(200, "OK")
}

// rein answers REIN. TLS stays on, because the next password would otherwise be sent in
// clear.
func (s *session) rein(string) reply {
	s.logOut()
	s.name, s.epsvOnly, s.ascii = "", false, s.server.policy.startASCII
	return newReply(220, "Ready for a new user")
}

// hostCommand answers HOST (RFC 7151), which must come before the login. All host names
// have the same accounts and files.
func (s *session) hostCommand(name string) reply {
	if s.user != nil || s.name != "" {
		return newReply(503, "HOST comes before USER")
	}
	bracketed := strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]")
	if strings.ContainsAny(name, " /@") || strings.Contains(name, ":") && !bracketed {
		return newReply(501, "Invalid host name")
	}
	return newReply(220, "Host accepted")
}

// feat answers FEAT (RFC 2389) from the tables of commands.
func (s *session) feat(string) reply {
	var features []string
	for name, cmd := range commands {
		if cmd.feat == nil || s.server.policy.disabled[name] {
			continue
		}
		if text := cmd.feat(s); text != "" {
			features = append(features, text)
		}
	}
	slices.Sort(features)
	lines := append([]string{"Features:"}, features...)
	return newReply(211, append(lines, "End")...)
}

// options has the commands that OPTS can configure.
var options = map[string]func(s *session, arg string) reply{
	"UTF8":  (*session).optsUTF8,
	"UTF-8": (*session).optsUTF8,
	"MLST":  (*session).optsMLST,
	"HASH":  (*session).optsHASH,
}

// opts answers OPTS (RFC 2389, 4).
func (s *session) opts(arg string) reply {
	name, rest := control.Split(arg)
	run, ok := options[name]
	switch {
	case !ok:
		return newReply(501, "That command has no options")
	case s.server.policy.disabled[name] && (name != "MLST" || s.server.policy.disabled["MLSD"]): // OPTS MLST is for MLSD too
		return replyDisabled
	}
	return run(s, rest)
}

// optsUTF8 answers OPTS UTF8, which older clients need before they send anything but
// ASCII.
func (s *session) optsUTF8(arg string) reply {
	if strings.EqualFold(strings.TrimSpace(arg), "OFF") {
		return newReply(504, "Names are sent unchanged, usually in UTF-8")
	}
	return newReply(200, "UTF-8 is on")
}

// optsMLST answers OPTS MLST, which names the facts to be shown (RFC 3659, 7.9).
func (s *session) optsMLST(arg string) reply {
	wanted := list.ParseFacts(arg)
	s.mlstFacts = &wanted
	return newReply(200, "MLST OPTS "+wanted.String())
}

// lang answers LANG (RFC 2640, 4.1).
func (s *session) lang(arg string) reply {
	tag, _, _ := strings.Cut(strings.ToUpper(arg), "-")
	if tag != "" && tag != "EN" {
		return newReply(504, "Replies are in English")
	}
	return newReply(200, "Replies are in English")
}

// stat answers STAT with the status of the session, or with a listing of a path.
func (s *session) stat(arg string) reply {
	switch {
	case arg == "" && s.server.policy.noStatus:
		return replyDisabled
	case arg == "":
		return s.status()
	case s.user == nil:
		return newReply(530, "Log in with USER and PASS first")
	}
	return s.statPath(arg)
}

// help answers HELP.
func (s *session) help(arg string) reply {
	name, rest := control.Split(arg)
	if name == "SITE" && rest == "" && !s.server.policy.disabled[name] {
		return helpOn("SITE ", s.siteCommands(), "")
	}
	return helpOn("", s.offered(), arg)
}

// offered returns the commands that are not disabled.
func (s *session) offered() map[string]command {
	if s.server.policy.disabled == nil {
		return commands
	}
	offered := maps.Clone(commands)
	maps.DeleteFunc(offered, func(name string, _ command) bool { return s.server.policy.disabled[name] })
	return offered
}

// helpOn describes the command name, or lists all commands if name is empty.
func helpOn(prefix string, commands map[string]command, name string) reply {
	if name = control.Upper(strings.TrimSpace(name)); name != "" {
		cmd, ok := commands[name]
		if !ok {
			return newReply(502, "Unknown command")
		}
		return newReply(214, cmd.usage(prefix+name))
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
	return newReply(214, append(lines, prefix+"HELP NAME describes one")...)
}
