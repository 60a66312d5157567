package top

import (
	"fmt"
	"strings"

	"sluice/internal/admin"
	"sluice/internal/show"
)

// header returns the lines of the server. before is the look before, for what
// is a rate; nil: there is none.
func header(st, before *admin.Status) [2]string {
	return [2]string{machine(st, before), traffic(st, before)}
}

func machine(st, before *admin.Status) string {
	s := &st.Server
	items := []string{
		strings.TrimSpace("sluice " + show.Plain(s.Version)), fmt.Sprintf("pid %d", s.PID),
		"up " + show.Time(st.Now.Sub(st.Started)),
	}
	if s.Process.CPU != nil {
		items = append(items, "CPU "+cpuText(st, before))
	}
	if s.Process.RSS != nil {
		items = append(items, "RSS "+show.Bytes(*s.Process.RSS))
	}
	if s.Process.FDs != nil {
		fds := fmt.Sprintf("fds %d", *s.Process.FDs)
		if s.Process.MaxFDs != nil {
			fds += fmt.Sprintf("/%d", *s.Process.MaxFDs)
		}
		items = append(items, fds)
	}
	if n := drops(s.Listeners); n > 0 {
		items = append(items, fmt.Sprintf("backlog drops %d", n))
	}
	if s.Draining {
		items = append(items, "DRAINING")
	}
	return strings.Join(items, "  ")
}

// cpuText is the share of a processor since the look before, or else the time
// since the start.
func cpuText(st, before *admin.Status) string {
	used := *st.Server.Process.CPU
	wall := since(st, before)
	if wall <= 0 || before.Server.Process.CPU == nil {
		return fmt.Sprintf("%.1f s", used)
	}
	return fmt.Sprintf("%.1f%%", 100*max(used-*before.Server.Process.CPU, 0)/wall)
}

// since returns the seconds from one look to the next of the same server; 0 if
// they are not.
func since(st, before *admin.Status) float64 {
	if before == nil || before.Server.PID != st.Server.PID || !before.Started.Equal(st.Started) {
		return 0
	}
	return st.Now.Sub(before.Now).Seconds()
}

// traffic tells how fast it goes if there was a look before, and how much there
// was in all: the latter comes last, where it is cut first.
func traffic(st, before *admin.Status) string {
	now := sum(st)
	moving := 0
	for i := range st.Sessions {
		moving += len(st.Sessions[i].Transfers)
	}
	items := []string{sessionsText(len(st.Sessions), st.Limits.Conns), fmt.Sprintf("moving %d", moving)}
	if now.refused > 0 {
		items = append(items, fmt.Sprintf("refused %d", now.refused))
	}
	if wall := since(st, before); wall > 0 {
		was := sum(before)
		items = append([]string{
			"out " + show.Rate(float64(now.out-was.out)/wall), "in " + show.Rate(float64(now.in-was.in)/wall),
			fmt.Sprintf("requests %.0f/s", float64(now.requests-was.requests)/wall),
		}, items...)
	}
	return strings.Join(append(items,
		"total: out "+show.Bytes(now.out), "in "+show.Bytes(now.in), fmt.Sprintf("requests %d", now.requests)), "  ")
}

func sessionsText(n, limit int) string {
	if limit > 0 {
		return fmt.Sprintf("sessions %d/%d", n, limit)
	}
	return fmt.Sprintf("sessions %d", n)
}

// sums are the totals of all protocols. They never go back.
type sums struct{ out, in, requests, refused uint64 }

func sum(st *admin.Status) (s sums) {
	for _, b := range st.Totals.Bytes {
		if b.Direction == "in" {
			s.in += b.Bytes
		} else {
			s.out += b.Bytes
		}
	}
	for _, p := range st.Totals.Protocols {
		s.requests += p.Requests
		s.refused += p.Refused
	}
	return s
}

func drops(listeners []admin.Listener) (n uint64) {
	for _, l := range listeners {
		if l.Drops != nil {
			n += *l.Drops
		}
	}
	return n
}

// Text returns one look: the lines of the server, and a table of the transfers,
// the fastest first. No line is longer than width; 0 leaves nothing out.
func Text(st *admin.Status, width int) string {
	var b strings.Builder
	for _, line := range header(st, nil) {
		b.WriteString(bounded(line, width) + "\n")
	}
	titles, lines := table(rows(st.Sessions, false, "", byRate), width)
	b.WriteString("\n" + titles + "\n")
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func bounded(line string, width int) string {
	if width == unbounded {
		return line
	}
	return show.Cut(line, width)
}
