package ftpd

import "sluice/internal/digest"

// contentCommands are the commands that name files or move them.
var contentCommands = map[string]command{
	"CWD":  {arg: requiredArg, syntax: "directory", login: true},
	"XCWD": {arg: requiredArg, syntax: "directory", login: true},
	"CDUP": {login: true},
	"XCUP": {login: true, pass: func(*session, string) (string, reply) { return "CDUP", reply{} }},
	"PWD":  {login: true},
	"XPWD": {login: true},
	"MKD":  {arg: requiredArg, syntax: "directory", login: true},
	"XMKD": {arg: requiredArg, syntax: "directory", login: true},
	"RMD":  {arg: requiredArg, syntax: "directory", login: true},
	"XRMD": {arg: requiredArg, syntax: "directory", login: true},
	"DELE": {arg: requiredArg, syntax: "file", login: true},
	"RNFR": {arg: requiredArg, syntax: "file", login: true},
	"RNTO": {arg: requiredArg, syntax: "file", login: true, pass: passRenameTo},

	"RETR": {arg: requiredArg, syntax: "file", login: true, open: openRetrieve, quick: true},
	"STOR": {arg: requiredArg, syntax: "file", login: true, open: openStore},
	"APPE": {arg: requiredArg, syntax: "file", login: true, open: openAppend},
	"STOU": {arg: optionalArg, syntax: "[file]", login: true, open: openUnique},
	"REST": {arg: requiredArg, syntax: "offset", login: true, run: (*session).restartAt, feat: line("REST STREAM")},
	"RANG": {arg: requiredArg, syntax: "first last", login: true, run: (*session).rang, feat: line("RANG STREAM")},

	"LIST": {arg: optionalArg, syntax: "[pattern]", login: true, open: openList},
	"NLST": {arg: optionalArg, syntax: "[pattern]", login: true, open: openNames},
	"MLSD": {arg: optionalArg, syntax: "[directory]", login: true, open: openFacts},
	"MLST": {arg: optionalArg, syntax: "[file]", login: true, run: (*session).mlst, feat: featMLST},

	"SIZE": {arg: requiredArg, syntax: "file", login: true, run: (*session).size, feat: line("SIZE")},
	"MDTM": {arg: requiredArg, syntax: "file", login: true, run: (*session).mdtm, feat: line("MDTM")},
	"MFMT": {arg: requiredArg, syntax: "YYYYMMDDhhmmss file", login: true, run: (*session).mfmt, feat: line("MFMT")},
	"MFF":  {arg: requiredArg, syntax: "fact=value; file", login: true, run: (*session).mff, feat: line("MFF modify;UNIX.mode;")},
	"AVBL": {arg: optionalArg, syntax: "[directory]", login: true, run: (*session).avbl, feat: featAVBL},
	"HASH": {arg: requiredArg, syntax: "file", login: true, long: true, run: (*session).sum, feat: featHASH},

	"XCRC":    hashCommand(digest.CRC32),
	"XMD5":    hashCommand(digest.MD5),
	"MD5":     hashCommand(digest.MD5),
	"XSHA":    hashCommand(digest.SHA1),
	"XSHA1":   hashCommand(digest.SHA1),
	"XSHA256": hashCommand(digest.SHA256),
	"XSHA512": hashCommand(digest.SHA512),
}

// passRenameTo refuses RNTO but right after RNFR (RFC 959, 4.1.3): the library
// would remember a name for hours.
func passRenameTo(s *session, arg string) (string, reply) {
	if s.previous != "RNFR" {
		return "", say(503, "Send RNFR first")
	}
	return "RNTO " + arg, reply{}
}
