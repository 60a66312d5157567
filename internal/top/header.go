package top

import (
	"fmt"
	"strings"

	"sluice/internal/show"
	"sluice/internal/status"
)

// header returns the lines of the server. What is a rate is over past, as
// remember keeps it; without two looks there is none.
func header(st *status.Status, past []look) [2]string {
	return [2]string{machine(st, past), traffic(st, past)}
}

func machine(st *status.Status, past []look) string {
	s := &st.Server
	items := []string{strings.TrimSpace("sluice " + show.Plain(s.Version))}
	if s.Draining {
		items = append(items, "DRAINING")
	}
	items = append(items, fmt.Sprintf("pid %d", s.PID), "up "+show.Time(st.Now.Sub(st.Started)))
	if s.Process.CPU != nil {
		items = append(items, "CPU "+cpuText(*s.Process.CPU, past))
	}
	if n := drops(s.Listeners); n > 0 {
		items = append(items, fmt.Sprintf("backlog drops %d", n))
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
	return strings.Join(items, "  ")
}

// cpuText is the share of a processor, or of several, over past; else the time
// since the start.
func cpuText(used float64, past []look) string {
	wall := span(past)
	if wall <= 0 || past[0].cpu == nil {
		return fmt.Sprintf("%.1f s", used)
	}
	return fmt.Sprintf("%.1f%%", 100*max(used-*past[0].cpu, 0)/wall)
}

// traffic tells how fast it goes, and how much there was in all: the latter
// comes last, where it is cut first.
func traffic(st *status.Status, past []look) string {
	now := sum(st)
	moving := 0
	for i := range st.Sessions {
		moving += len(st.Sessions[i].Transfers)
	}
	items := []string{sessionsText(len(st.Sessions), st.Limits.Conns), fmt.Sprintf("moving %d", moving)}
	if now.refused > 0 {
		items = append(items, fmt.Sprintf("refused %d", now.refused))
	}
	if wall := span(past); wall > 0 {
		was := past[0].sums
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

func drops(listeners []status.Listener) (n uint64) {
	for _, l := range listeners {
		if l.Drops != nil {
			n += *l.Drops
		}
	}
	return n
}

// Text returns one look: the lines of the server, and a table of the transfers,
// the fastest first. No line is longer than width; 0 leaves nothing out.
func Text(st *status.Status, width int) string {
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
