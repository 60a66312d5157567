package ftpd

import (
	"time"

	"sluice/internal/live"
)

// Values of FileChange.Op that are no commands of RFC 959 alone: a change of times is recorded
// under the command that was used, MFMT, MDTM, MFF or SITE UTIME.
const (
	opMakeDir   = "MKD" // of XMKD too
	opRemoveDir = "RMD" // of XRMD too
	opRemove    = "DELE"
	opRename    = "RNTO"
	opSetTime   = "MFMT"
	opSite      = "SITE "
)

// change is a command under way that changes files, but transfers none.
type change struct {
	server *Server
	live   *live.Session
	begun  time.Time
	record FileChange
}

// newChange returns a change of name that begins now.
func newChange(server *Server, session *live.Session, u *user, command, name string) *change {
	return &change{server, session, time.Now(), FileChange{User: u.name, Op: command, Path: name, Retransmits: -1}}
}

// beginChange returns a change of the file or directory that the client calls arg.
func (s *session) beginChange(command, arg string) *change {
	return newChange(s.server, s.live, s.user, command, s.path(arg))
}

// end reports the end of the change, which has failed if err is not nil. It returns the
// reply: done, or one that says why.
func (c *change) end(err error, done reply) reply {
	if err != nil {
		done = fileErrorReply(err)
	}
	c.report(err, done.Code)
	return done
}

// report passes the record of the change to OnChange.
func (c *change) report(err error, code int) {
	if !c.live.WantsChange(c.server.OnChange) {
		return
	}
	c.record.Err, c.record.Status, c.record.Duration = err, code, time.Since(c.begun)
	if c.record.Outcome = outcomeOf(err); c.record.Outcome == live.PeerFailed { // the client moves no bytes that could fail
		c.record.Outcome = live.FileFailed
	}
	c.live.ReportChange(&c.record, c.server.OnChange)
}
