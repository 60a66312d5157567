//go:build !aix

package top

import (
	"errors"
	"fmt"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"sluice/internal/admin"
)

// binding is what keys do in the mode viewing.
type binding struct {
	keys []string // as Bubble Tea names them
	name string   // in the help; "": not shown
	help string
	do   func(*model) tea.Cmd
}

// bindings are the keys of similar programs, where these have one.
var bindings = []binding{
	{[]string{"q", "ctrl+c"}, "q", "quit", func(*model) tea.Cmd { return tea.Quit }},
	{[]string{"<", "left"}, "< >", "sort by another column", func(m *model) tea.Cmd { return m.sort(m.order.next(-1)) }},
	{[]string{">", "right"}, "", "", func(m *model) tea.Cmd { return m.sort(m.order.next(1)) }},
	{[]string{"r"}, "r", "reverse the order", func(m *model) tea.Cmd { return m.sort(order{m.order.column, !m.order.reverse}) }},
	{[]string{"/"}, "/", "show only rows with a text: a user, address, file, cause, method...", func(m *model) tea.Cmd { m.mode = filtering; return nil }},
	{[]string{"esc"}, "esc", "show all rows", func(m *model) tea.Cmd { return m.setFilter("") }},
	{[]string{"k", "delete"}, "k", "close the connections of the selected session, after a question", (*model).confirmKill},
	{[]string{"p", "space"}, "p", "pause or continue", func(m *model) tea.Cmd { m.paused = !m.paused; return nil }},
	{[]string{"i"}, "i", "show or hide idle sessions", func(m *model) tea.Cmd { m.idle = !m.idle; m.updateRows(); return nil }},
	{[]string{"?", "h", "f1"}, "?", "this help", func(m *model) tea.Cmd { m.mode = showingHelp; return nil }},
	{[]string{"up"}, "↑ ↓", "select another row; also PgUp, PgDn, Home, End", func(m *model) tea.Cmd { m.moveSelection(-1); return nil }},
	{[]string{"down"}, "", "", func(m *model) tea.Cmd { m.moveSelection(1); return nil }},
	{[]string{"pgup"}, "", "", func(m *model) tea.Cmd { m.moveSelection(-m.page()); return nil }},
	{[]string{"pgdown"}, "", "", func(m *model) tea.Cmd { m.moveSelection(m.page()); return nil }},
	{[]string{"home"}, "", "", func(m *model) tea.Cmd { m.moveSelection(-len(m.rows)); return nil }},
	{[]string{"end"}, "", "", func(m *model) tea.Cmd { m.moveSelection(len(m.rows)); return nil }},
}

// press handles a key.
func (m model) press(msg tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	key := msg.String()
	m.notice = ""
	switch {
	case key == "ctrl+c":
		return m, tea.Quit
	case m.mode == filtering:
		m.editFilter(key, msg.Text)
		return m, nil
	case m.mode == confirming:
		m.mode = viewing
		if key == "y" || key == "Y" {
			return m, m.kill(m.toKill)
		}
		return m, nil
	case m.mode == showingHelp:
		m.mode = viewing
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
	m.updateRows()
	return nil
}

func (m *model) setFilter(text string) tea.Cmd {
	m.filter = text
	m.updateRows()
	return nil
}

// editFilter edits the filter.
func (m *model) editFilter(key, text string) {
	switch key {
	case "enter":
		m.mode = viewing
	case "esc":
		m.mode = viewing
		m.setFilter("")
	case "backspace":
		_, size := utf8.DecodeLastRuneInString(m.filter)
		m.setFilter(m.filter[:len(m.filter)-size])
	default:
		m.setFilter(m.filter + text)
	}
}

// confirmKill asks whether to close the session that is selected now.
func (m *model) confirmKill() tea.Cmd {
	if len(m.rows) > 0 {
		m.mode, m.toKill = confirming, m.rows[m.index].session.ID
	}
	return nil
}

// killNotice returns the result of closing a session.
func killNotice(msg killedMsg) string {
	switch {
	case msg.err == nil:
		return fmt.Sprintf("session %d was cut", msg.id)
	case errors.Is(msg.err, admin.ErrNoSession):
		return fmt.Sprintf("session %d had ended already", msg.id)
	}
	return fmt.Sprintf("session %d was not cut: %v", msg.id, msg.err)
}
