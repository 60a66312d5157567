//go:build !aix

package top

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"sluice/internal/show"
)

// Escape sequences that keep the colours of the terminal.
const (
	bold    = "\x1b[1m"
	reverse = "\x1b[7m"
	plain   = "\x1b[m"
)

// otherLines is the number of lines that are no rows and always there: two of the server,
// the prompt, the titles and the footer.
const otherLines = 5

// page returns how many rows fit.
func (m model) page() int {
	rows := m.height - otherLines
	if m.now != nil {
		rows -= len(m.header()) - 2
	}
	return max(rows, 1)
}

// header returns the lines about the server that leave room for a row.
func (m model) header() []string {
	lines := header(m.now, m.samples)
	if m.height <= otherLines+1 {
		lines = lines[:2]
	}
	return lines
}

func (m model) View() tea.View {
	v := tea.NewView(m.content())
	v.AltScreen = true
	v.WindowTitle = "sluice top"
	return v
}

func (m model) content() string {
	switch {
	case m.width == 0:
		return ""
	case m.now == nil && m.failure == nil:
		return "waiting for the server..."
	case m.now == nil:
		return m.cut(show.Plain(m.failure.Error()))
	case m.mode == showingHelp:
		return m.help()
	}
	var lines []string
	for _, line := range m.header() {
		lines = append(lines, bold+m.cut(line)+plain)
	}
	lines = append(lines, m.cut(m.prompt()))
	return strings.Join(append(append(lines, m.table()...), m.cut(m.footer())), "\n")
}

func (m model) cut(line string) string { return show.Cut(line, m.width) }

// prompt returns the line between the server and the table.
func (m model) prompt() string {
	switch {
	case m.mode == filtering:
		return "/" + show.Plain(m.filter) + "█"
	case m.mode == confirming:
		return fmt.Sprintf("cut session %d%s? y/n", m.toKill, m.describe(m.toKill))
	case m.failure != nil:
		return "no response: " + show.Plain(m.failure.Error())
	case m.notice != "":
		return show.Plain(m.notice)
	case m.paused:
		return "PAUSED"
	case m.filter != "":
		return "only /" + show.Plain(m.filter)
	}
	return ""
}

// describe returns protocol, user and address of a session; "" if it has ended.
func (m model) describe(id uint64) string {
	for i := range m.now.Sessions {
		if s := &m.now.Sessions[i]; s.ID == id {
			text := fmt.Sprintf(" of %s", s.Protocol)
			if s.User != "" {
				text += ", user " + show.Plain(s.User)
			}
			if s.Remote != "" {
				text += ", from " + show.Plain(s.Remote)
			}
			return text
		}
	}
	return ""
}

// table returns the titles and the page of rows with the selected one.
func (m model) table() []string {
	page := m.page()
	first := m.index / page * page
	shown := m.rows[first:min(first+page, len(m.rows))]
	titles, lines := table(shown, m.width)
	if len(lines) > 0 {
		lines[m.index-first] = reverse + show.Pad(lines[m.index-first], m.width, show.Left) + plain
	}
	if len(lines) == 0 {
		lines = append(lines, m.cut(m.emptyText()))
	}
	for len(lines) < page {
		lines = append(lines, "")
	}
	return append([]string{bold + titles + plain}, lines...)
}

// emptyText explains why there is no row.
func (m model) emptyText() string {
	switch {
	case m.filter != "":
		return "no row contains the text; the key esc shows all rows"
	case !m.idle:
		return "no transfer is running; the key i shows idle sessions too"
	}
	return "no client is connected"
}

// footer returns the selected row, the order and the keys, with help first, which
// explains keys that are cut.
func (m model) footer() string {
	by := columns[m.order.column].title
	if m.order.reverse {
		by += ", reversed"
	}
	return fmt.Sprintf("%d/%d by %s  ? help  q quit  / filter  k kill  < > sort  r reverse  p pause",
		min(m.index+1, len(m.rows)), len(m.rows), by)
}

func (m model) help() string {
	lines := []string{bold + "sluice top" + plain, ""}
	for _, b := range bindings {
		if b.name != "" {
			lines = append(lines, m.cut("  "+show.Pad(b.name, 5, show.Left)+b.help))
		}
	}
	for _, text := range []string{
		"",
		"out, in, requests and CPU are averages of the last 5 seconds",
		"waiting: for others; the request that has waited longest, and who held most",
		"RATE   of bytes that the client has confirmed, over the last 3 to 6 seconds",
		"METHOD sendfile, splice: by the kernel; copy: through the process",
		"CAUSE  application, receiver, sender, send buffer, path, rate limit or store",
		"RETR   retransmitted segments of the connection",
		"",
		"any key goes back",
	} {
		lines = append(lines, m.cut(text))
	}
	return strings.Join(lines, "\n")
}
