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

// mode is what keys mean.
type mode uint8

const (
	looking   mode = iota
	filtering      // a filter is typed
	asking         // whether to cut a session
	helping
)

// model is what is shown. Update returns a new one.
type model struct {
	ctx      context.Context // of the questions to the server; it ends with Run
	server   Server
	interval time.Duration

	width, height int // of the terminal; 0: not told yet

	now     *status.Status // the last look; nil: none yet
	past    []look         // it and those before, for rates
	failure error          // of the last look
	notice  string         // what became of the last command

	mode   mode
	paused bool
	idle   bool // sessions without a transfer are shown
	filter string
	order  order

	rows     []row  // of now
	selected rowID  // which need not be there any more; zero: whichever is the first
	index    int    // of it in rows, or where it was
	victim   uint64 // session that the question is about
}

// What the server has answered.
type (
	statusMsg struct {
		status *status.Status
		err    error
	}
	killedMsg struct {
		id  uint64
		err error
	}
	lookMsg struct{} // it is time for the next look
)

func (m model) Init() tea.Cmd { return m.look }

// look asks the server.
func (m model) look() tea.Msg {
	st, err := m.server.Status(m.ctx, admin.Sessions)
	return statusMsg{st, err}
}

func (m model) lookLater() tea.Cmd {
	return tea.Tick(m.interval, func(time.Time) tea.Msg { return lookMsg{} })
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
	case lookMsg:
		if m.paused {
			return m, m.lookLater()
		}
		return m, m.look
	case statusMsg:
		m.failure = msg.err
		if msg.err == nil && !m.paused { // it may have been asked for before
			m.now, m.past = msg.status, remember(m.past, msg.status)
			m.arrange()
		}
		return m, m.lookLater()
	case killedMsg:
		m.notice = killed(msg)
	}
	return m, nil
}

// arrange finds the rows, and the selected one among them.
func (m *model) arrange() {
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
		m.move(0) // to the one that has its place
	}
}

// move selects another row: the one that is so many below. The first row is the
// first whatever it is about, so that the top of the list stays in view until
// another is selected.
func (m *model) move(step int) {
	m.index = max(min(m.index+step, len(m.rows)-1), 0)
	m.selected = rowID{}
	if m.index > 0 {
		m.selected = m.rows[m.index].id()
	}
}
