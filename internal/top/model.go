//go:build !aix

package top

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"sluice/internal/admin"
	"sluice/internal/status"
)

// mode decides what keys do.
type mode uint8

const (
	viewing    mode = iota
	filtering       // the user types a filter
	confirming      // the user is asked whether to close a session
	showingHelp
)

// model is the state of the view. Update returns a new one.
type model struct {
	ctx      context.Context // of requests to the server; canceled at the end of Run
	server   Server
	interval time.Duration

	width, height int // of the terminal; 0: unknown yet

	now     *status.Status // the last status; nil: none yet
	samples []sample       // of now and statuses before, for rates
	failure error          // of the last request
	notice  string         // result of the last command

	mode   mode
	paused bool
	idle   bool // show sessions without a transfer too
	filter string
	order  order

	rows     []row  // of now
	selected rowID  // it may be gone; zero: the first row
	index    int    // of selected in rows, or where it was
	toKill   uint64 // session that the user is asked about
}

// Messages of the program.
type (
	statusMsg struct {
		status *status.Status
		err    error
	}
	killedMsg struct {
		id  uint64
		err error
	}
	refreshMsg struct{} // time for the next request
)

func (m model) Init() tea.Cmd { return m.fetch }

// fetch requests the status.
func (m model) fetch() tea.Msg {
	st, err := m.server.Status(m.ctx, admin.Sessions)
	return statusMsg{st, err}
}

func (m model) refreshLater() tea.Cmd {
	return tea.Tick(m.interval, func(time.Time) tea.Msg { return refreshMsg{} })
}

func (m model) kill(id uint64) tea.Cmd {
	return func() tea.Msg { return killedMsg{id, m.server.Kill(m.ctx, id)} }
}

func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m.press(msg)
	case tea.PasteMsg:
		if m.mode == filtering {
			m.setFilter(m.filter + msg.Content)
		}
	case refreshMsg:
		if m.paused {
			return m, m.refreshLater()
		}
		return m, m.fetch
	case statusMsg:
		m.failure = msg.err
		if msg.err == nil && !m.paused { // it may have been requested before the pause
			m.now, m.samples = msg.status, addSample(m.samples, msg.status)
			m.updateRows()
		}
		return m, m.refreshLater()
	case killedMsg:
		m.notice = killNotice(msg)
	}
	return m, nil
}

// updateRows sets rows and index.
func (m *model) updateRows() {
	if m.now == nil {
		return
	}
	m.rows = rows(m.now.Sessions, m.idle, m.filter, m.order)
	switch i := slices.IndexFunc(m.rows, func(r row) bool { return r.id() == m.selected }); {
	case m.selected == rowID{}:
		m.index = 0
	case i >= 0:
		m.index = i
	default:
		m.moveSelection(0) // to the row in its place
	}
}

// moveSelection selects the row step rows below. If that is the first row, it stays
// selected whichever transfer it shows.
func (m *model) moveSelection(step int) {
	m.index = max(min(m.index+step, len(m.rows)-1), 0)
	m.selected = rowID{}
	if m.index > 0 {
		m.selected = m.rows[m.index].id()
	}
}
