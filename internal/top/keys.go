//go:build !aix

package top

import (
	"errors"
	"fmt"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"sluice/internal/admin"
)

// binding is what a key does while nothing else is going on.
type binding struct {
	keys []string // as Bubble Tea names them
	name string   // in the help; "": it is not there
	help string
	do   func(*model) tea.Cmd
}

// Those that other programs of this kind have, where they have one.
var bindings = []binding{
	{[]string{"q", "ctrl+c"}, "q", "quit", func(*model) tea.Cmd { return tea.Quit }},
	{[]string{"<", "left"}, "< >", "sort by another column", func(m *model) tea.Cmd { return m.sort(m.order.next(-1)) }},
	{[]string{">", "right"}, "", "", func(m *model) tea.Cmd { return m.sort(m.order.next(1)) }},
	{[]string{"r"}, "r", "reverse the order", func(m *model) tea.Cmd { return m.sort(order{m.order.column, !m.order.reverse}) }},
	{[]string{"/"}, "/", "show only what has some text: in user, address, file, cause, method...", func(m *model) tea.Cmd { m.mode = filtering; return nil }},
	{[]string{"esc"}, "esc", "show all again", func(m *model) tea.Cmd { return m.setFilter("") }},
	{[]string{"k", "delete"}, "k", "cut the connections of the selected session, after a question", (*model).ask},
	{[]string{"p", "space"}, "p", "pause, and go on", func(m *model) tea.Cmd { m.paused = !m.paused; return nil }},
	{[]string{"i"}, "i", "show idle sessions too, or not", func(m *model) tea.Cmd { m.idle = !m.idle; m.arrange(); return nil }},
	{[]string{"?", "h", "f1"}, "?", "this help", func(m *model) tea.Cmd { m.mode = helping; return nil }},
	{[]string{"up"}, "↑ ↓", "select another row; also PgUp, PgDn, Home, End", func(m *model) tea.Cmd { m.move(-1); return nil }},
	{[]string{"down"}, "", "", func(m *model) tea.Cmd { m.move(1); return nil }},
	{[]string{"pgup"}, "", "", func(m *model) tea.Cmd { m.move(-m.page()); return nil }},
	{[]string{"pgdown"}, "", "", func(m *model) tea.Cmd { m.move(m.page()); return nil }},
	{[]string{"home"}, "", "", func(m *model) tea.Cmd { m.move(-len(m.rows)); return nil }},
	{[]string{"end"}, "", "", func(m *model) tea.Cmd { m.move(len(m.rows)); return nil }},
}

// press does what a key stands for.
func (m model) press(msg tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	key := msg.String()
	m.notice = ""
	switch {
	case key == "ctrl+c":
		return m, tea.Quit
	case m.mode == filtering:
		m.typed(key, msg.Text)
		return m, nil
	case m.mode == asking:
		m.mode = looking
		if key == "y" || key == "Y" {
			return m, m.kill(m.victim)
		}
		return m, nil
	case m.mode == helping:
		m.mode = looking
		return m, nil
	}
	for _, b := range bindings {
		for _, k := range b.keys {
			if k == key {
				cmd := b.do(&m)
				return m, cmd
			}
		}
	}
	return m, nil
}

func (m *model) sort(o order) tea.Cmd {
	m.order = o
	m.arrange()
	return nil
}

func (m *model) setFilter(text string) tea.Cmd {
	m.filter = text
	m.arrange()
	return nil
}

// typed changes the filter.
func (m *model) typed(key, text string) {
	switch key {
	case "enter":
		m.mode = looking
	case "esc":
		m.mode = looking
		m.setFilter("")
	case "backspace":
		_, size := utf8.DecodeLastRuneInString(m.filter)
		m.setFilter(m.filter[:len(m.filter)-size])
	default:
		m.setFilter(m.filter + text)
	}
}

// ask asks whether to cut the selected session, whatever is selected when the
// answer comes.
func (m *model) ask() tea.Cmd {
	if len(m.rows) > 0 {
		m.mode, m.victim = asking, m.rows[m.index].session.ID
	}
	return nil
}

// killed says what became of it.
func killed(msg killedMsg) string {
	switch {
	case msg.err == nil:
		return fmt.Sprintf("session %d was cut", msg.id)
	case errors.Is(msg.err, admin.ErrNoSession):
		return fmt.Sprintf("session %d has ended before", msg.id)
	}
	return fmt.Sprintf("session %d was not cut: %v", msg.id, msg.err)
}
