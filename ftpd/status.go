package ftpd

import (
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"sluice/internal/account"
	"sluice/internal/live"
	"sluice/internal/show"
	"sluice/internal/status"
)

// status answers STAT without an argument (RFC 959, 4.1.3). During a transfer it shows
// the progress.
func (s *session) status() reply {
	st := s.live.Status()
	user := "Not logged in"
	if st.User != "" {
		user = "Logged in as " + show.Plain(st.User)
	}
	commands := "in clear"
	if state, ok := s.control.tlsState(); ok {
		commands = tls.VersionName(state.Version)
	}
	data := "in clear"
	if s.protectsData() {
		data = "protected"
	}
	kind := "binary"
	switch {
	case s.convertsLines():
		kind = "ASCII"
	case s.ascii:
		kind = "ASCII, without conversion"
	}
	return newReply(211, append(s.server.driver.banner(),
		"From "+s.remote.String()+", for "+show.Time(time.Since(s.start)),
		user,
		"Commands "+commands+", data "+data,
		"Type "+kind+", structure F, mode S",
		s.activity(&st),
		fmt.Sprintf("Since the beginning sent %s, received %s, transfers %d", show.Bytes(st.Sent), show.Bytes(st.Received), st.Requests),
		"End")...)
}

// activity describes the transfer under way, or else the last one.
func (s *session) activity(st *status.Session) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(st.Transfers) > 0:
		return progress(&st.Transfers[0])
	case s.op != nil: // it has no data connection yet, or is not a transfer
		return show.Plain(s.op.name+" "+s.op.arg) + ": for " + show.Time(time.Since(s.op.begun))
	case s.last == nil:
		return "No transfer"
	}
	text := "No transfer, the last was " + s.last.Op + " " + show.Plain(s.last.Path) + ": " + summary(s.last)
	if s.last.Err != nil {
		text += ", not complete"
	}
	return text
}

// siteWho answers SITE WHO with all sessions of all protocols, and their transfers.
func (s *session) siteWho(string) reply {
	if !s.user.rights.Has(account.Who) {
		return newReply(550, "You have no right to see other clients")
	}
	st := live.Snapshot(s.server.registry)
	lines := []string{fmt.Sprintf("%d connected", len(st.Sessions))}
	return newReply(200, append(append(lines, whoLines(&st)...), "End")...)
}

// whoLines is a table with a line for each session.
func whoLines(st *status.Snapshot) []string {
	columns := []show.Column{
		{Title: "ID", Side: show.Right}, {Title: "PROTO"}, {Title: "USER"}, {Title: "FROM"}, {Title: "SINCE"},
		{Title: "IDLE", Side: show.Right}, {Title: "STATE"}, {Title: "WHAT"},
	}
	var rows [][]string
	for i := range st.Sessions {
		session := &st.Sessions[i]
		what := show.OrDash(session.Command)
		if len(session.Transfers) > 0 {
			what = progress(&session.Transfers[0])
		}
		rows = append(rows, []string{
			fmt.Sprint(session.ID), session.Protocol, show.OrDash(session.User), show.OrDash(session.Remote),
			session.Since.Format(time.DateTime), show.Time(st.Now.Sub(session.LastActive)), session.State, what,
		})
	}
	return strings.Split(strings.TrimSuffix(show.Table(columns, rows), "\n"), "\n")
}

// progress describes a transfer under way: the bytes so far, the rate, the time left, the
// method and the bottleneck.
func progress(t *status.Transfer) string {
	at := t.Done()
	text := t.Op + " " + show.Plain(t.Path) + ": " + show.Bytes(at)
	if t.Size != nil {
		text += " of " + show.Bytes(*t.Size)
	}
	if t.Size != nil && *t.Size > 0 {
		text += fmt.Sprintf(" (%d %%)", int(100*float64(at)/float64(*t.Size)))
	}
	if t.Rate != nil {
		text += ", " + show.Rate(*t.Rate)
	}
	if t.ETA != nil {
		text += ", " + show.Time(time.Duration(min(*t.ETA, 1<<33)*float64(time.Second))) + " left"
	}
	if t.Method != "" {
		text += ", " + t.Method
	}
	if t.Cause != "" {
		text += ", held back by: " + t.Cause
	}
	return text
}
