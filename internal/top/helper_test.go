//go:build !aix

package top

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/admin"
	"sluice/internal/nettest"
	"sluice/internal/show"
	"sluice/internal/status"
)

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if diff := cmp.Diff(nettest.Golden(t, name, got), got); diff != "" {
		t.Errorf("%s (-want +got), run with UPDATE=1 if that is right:\n%s", name, diff)
	}
}

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// statusAfter returns a status of the server some seconds after its start.
func statusAfter(seconds int) *status.Status {
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	n := uint64(seconds)
	return &status.Status{
		Snapshot: status.Snapshot{
			Schema: status.Schema, Now: at(seconds), Started: start,
			Limits: status.Limits{Conns: 1000},
			Totals: status.Totals{
				Protocols: []status.ProtocolTotal{{Protocol: "http", Connections: 9, Refused: 2, Requests: 100 + 7*n}},
				Bytes: []status.ByteTotal{
					{Protocol: "http", Direction: "out", Method: "sendfile", Bytes: 12e9 + n*98e6},
					{Protocol: "ftp", Direction: "in", Method: "splice", Bytes: 3e9 + n*1e6},
				},
			},
			Sessions: []status.Session{
				{ID: 3, Protocol: "http", Remote: "198.51.100.7:50001", State: "idle", Since: at(0), LastActive: at(5)},
				{
					ID: 4, Protocol: "http", Remote: "192.0.2.17:50002", State: "sending", Since: at(0),
					Transfers: []status.Transfer{{
						Op: "GET", Path: "/iso/debian-13.1.0-amd64-DVD-1.iso", Size: new(int64(4e9)), Moved: 1e9 + 3e6, Confirmed: new(int64(1e9)),
						Rate: new(97.3e6), ETA: new(30.8), Method: "sendfile", Cause: "path", Started: at(1),
						TCP: &status.TCP{RTT: new(0.0123), Retransmits: new(uint32(17))},
					}},
				},
				{
					ID: 5, Protocol: "ftps", User: "alice", Remote: "[2001:db8:1:2:3:4:5:6]:50003", State: "receiving", Since: at(0),
					Transfers: []status.Transfer{{
						Op: "STOR", Path: "/incoming/\x1b[2J\u202ebad\xff.zip", Moved: 5e6, Rate: new(1.2e6), Method: "splice", Started: at(2),
					}},
				},
				{
					ID: 6, Protocol: "http", User: "a-user-with-a-long-name", State: "sending", Since: at(0),
					Transfers: []status.Transfer{
						{Op: "GET", Path: "/日本語/とても長い名前のファイル.tar", Size: new(int64(1e6)), Moved: 1e6, Rate: new(0.0), Method: "copy", Cause: "send buffer", Started: at(3)},
						{Op: "GET", Path: "/new", Size: new(int64(100)), Started: at(seconds)},
					},
				},
				{ID: 7, Protocol: "ftp", Remote: "192.0.2.18:50004", State: "working", Command: "LIST /pub", Since: at(0), LastActive: at(5)},
			},
		},
		Server: status.Server{
			Version: "0.1.0", PID: 4711,
			Process:   status.Process{CPU: new(10 + float64(n)*0.25), RSS: new(uint64(61_200_000)), FDs: new(213), MaxFDs: new(uint64(65536))},
			Listeners: []status.Listener{{Protocol: "http", Address: ":80", Drops: new(uint64(16))}},
		},
	}
}

// fakeServer answers with fixed values.
type fakeServer struct {
	err    error
	killed []uint64
}

func (f *fakeServer) Status(context.Context, admin.Detail) (*status.Status, error) {
	if f.err != nil {
		return nil, f.err
	}
	return statusAfter(20), nil
}

func (f *fakeServer) Kill(_ context.Context, id uint64) error {
	f.killed = append(f.killed, id)
	return f.err
}

var errGone = errors.New("no server answers on 127.0.0.1:9180; start one with \"sluice serve --admin 127.0.0.1:9180\"")

// driver acts as Bubble Tea.
type driver struct {
	t      *testing.T
	m      model
	server *fakeServer
}

// newDriver returns a driver of a model of that size with two statuses.
func newDriver(t *testing.T, width, height int) *driver {
	d := &driver{t: t, server: new(fakeServer)}
	d.m = newModel(t.Context(), d.server, time.Second)
	d.send(tea.WindowSizeMsg{Width: width, Height: height})
	d.send(statusMsg{status: statusAfter(10)})
	d.send(statusMsg{status: statusAfter(20)})
	return d
}

// send sends a message and returns the resulting command.
func (d *driver) send(msg tea.Msg) tea.Cmd {
	m, cmd := d.m.Update(msg)
	d.m = m.(model)
	return cmd
}

// press presses keys, named as Bubble Tea does, and returns the command of
// the last.
func (d *driver) press(keys ...string) (cmd tea.Cmd) {
	special := map[string]tea.Key{
		"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "backspace": {Code: tea.KeyBackspace}, "up": {Code: tea.KeyUp},
		"down": {Code: tea.KeyDown}, "pgdown": {Code: tea.KeyPgDown}, "pgup": {Code: tea.KeyPgUp}, "home": {Code: tea.KeyHome},
		"end": {Code: tea.KeyEnd}, "ctrl+c": {Code: 'c', Mod: tea.ModCtrl},
	}
	for _, name := range keys {
		key, ok := special[name]
		if !ok {
			key = tea.Key{Text: name, Code: []rune(name)[0]}
		}
		press := tea.KeyPressMsg(key)
		if ok && press.String() != name {
			d.t.Fatalf("the key %s is called %s", name, press.String())
		}
		cmd = d.send(press)
	}
	return cmd
}

// screen returns the view without colours. It reports lines and columns that exceed
// the terminal.
func (d *driver) screen() string {
	d.t.Helper()
	content := d.m.View().Content
	lines := strings.Split(content, "\n")
	if len(lines) > d.m.height {
		d.t.Errorf("got %d lines, want at most %d", len(lines), d.m.height)
	}
	var b strings.Builder
	for _, line := range lines {
		if n := show.Width(line); n > d.m.width {
			d.t.Errorf("got a line of %d columns, want at most %d: %q", n, d.m.width, line)
		}
		b.WriteString(strings.TrimRight(ansi.Strip(line), " ") + "\n")
	}
	return b.String()
}

// file returns the file of the selected row.
func (d *driver) file() string {
	if len(d.m.rows) == 0 {
		return ""
	}
	return d.m.rows[d.m.index].file()
}
