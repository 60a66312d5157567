package top

import (
	"fmt"
	"strings"

	"sluice/internal/show"
	"sluice/internal/status"
)

// header returns two lines about the server, and a third if requests wait for others.
// Rates are over the samples of addSample; with less than two there are none.
func header(st *status.Status, samples []sample) []string {
	lines := []string{serverLine(st, samples), trafficLine(st, samples)}
	if waiting := waitingLine(st); waiting != "" {
		lines = append(lines, waiting)
	}
	return lines
}

// waitingLine returns what requests wait for, how long the first of each queue has
// waited, and for whom; "": none waits.
func waitingLine(st *status.Status) string {
	var items []string
	for i := range st.Server.Budget {
		p := &st.Server.Budget[i]
		if p.Waiting == 0 {
			continue
		}
		item := fmt.Sprintf("%d for %s", p.Waiting, show.Plain(p.Name))
		if len(p.Queue) > 0 {
			first := &p.Queue[0]
			item += fmt.Sprintf(" (%s since %s, held by %s)", show.Plain(first.Client), show.Time(st.Now.Sub(first.Since)), show.Plain(first.By))
		}
		items = append(items, item)
	}
	for _, m := range st.Server.Mounts {
		if m.Hung {
			items = append(items, fmt.Sprintf("%d calls for %s, which does not answer", m.Calls, show.Plain(m.Point)))
		}
	}
	if len(items) == 0 {
		return ""
	}
	return "waiting: " + strings.Join(items, ", ")
}

func serverLine(st *status.Status, samples []sample) string {
	s := &st.Server
	items := []string{strings.TrimSpace("sluice " + show.Plain(s.Version))}
	if s.Draining {
		items = append(items, "DRAINING")
	}
	items = append(items, fmt.Sprintf("pid %d", s.PID), "up "+show.Time(st.Now.Sub(st.Started)))
	if s.Process.CPU != nil {
		items = append(items, "CPU "+cpuText(*s.Process.CPU, samples))
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
	if text := hostText(s.Host, samples); text != "" { // last, where a narrow terminal cuts the line
		items = append(items, text)
	}
	return strings.Join(items, "  ")
}

// cpuText returns the CPU usage over the samples, or the CPU time since the start
// without samples. It exceeds 100% on several processors.
func cpuText(used float64, samples []sample) string {
	wall := duration(samples)
	if wall <= 0 || samples[0].cpu == nil {
		return fmt.Sprintf("%.1f s", used)
	}
	return fmt.Sprintf("%.1f%%", 100*max(used-*samples[0].cpu, 0)/wall)
}

// trafficLine returns rates and then totals, which are cut first.
func trafficLine(st *status.Status, samples []sample) string {
	now := totalsOf(st)
	moving := 0
	for i := range st.Sessions {
		moving += len(st.Sessions[i].Transfers)
	}
	items := []string{sessionsText(len(st.Sessions), st.Limits.Conns), fmt.Sprintf("moving %d", moving)}
	if now.refused > 0 {
		items = append(items, fmt.Sprintf("refused %d", now.refused))
	}
	if wall := duration(samples); wall > 0 {
		was := samples[0].totals
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

// Text returns the lines about the server and a table of the transfers, the fastest
// first. Lines are cut at width columns; 0 cuts nothing.
func Text(st *status.Status, width int) string {
	var b strings.Builder
	for _, line := range header(st, nil) {
		b.WriteString(cutTo(line, width) + "\n")
	}
	titles, lines := table(rows(st.Sessions, false, "", byRate), width)
	b.WriteString("\n" + titles + "\n")
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func cutTo(line string, width int) string {
	if width == unbounded {
		return line
	}
	return show.Cut(line, width)
}
