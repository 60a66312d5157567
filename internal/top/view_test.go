//go:build !aix

package top

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"sluice/internal/show"
	"sluice/internal/status"
)

func TestScreens(t *testing.T) {
	for _, tt := range []struct {
		name          string
		width, height int
		do            func(*driver)
	}{
		{"wide", 160, 16, func(*driver) {}},
		{"usual", 80, 16, func(*driver) {}},
		{"narrow", 40, 10, func(*driver) {}},
		{"idle", 80, 16, func(d *driver) { d.press("i") }},
		{"filter", 80, 16, func(d *driver) { d.press("/", "A", "l", "i") }},
		{"filtered", 80, 16, func(d *driver) { d.press("/", "n", "o", "n", "e", "enter") }},
		{"question", 80, 16, func(d *driver) { d.press("down", "k") }},
		{"paused", 80, 16, func(d *driver) { d.press("p") }},
		{"draining", 40, 10, func(d *driver) {
			st := statusAfter(30)
			st.Server.Draining = true
			d.send(statusMsg{status: st})
		}},
		{"waiting", 140, 12, func(d *driver) { d.send(statusMsg{status: waitingStatus()}) }},
		{"gone", 80, 16, func(d *driver) { d.send(statusMsg{err: errGone}) }},
		{"sorted", 80, 16, func(d *driver) { d.press("<", "<", "r") }}, // by FILE, the last
		{"help", 80, 24, func(d *driver) { d.press("?") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, tt.width, tt.height)
			tt.do(d)
			golden(t, tt.name+".txt", d.screen())
		})
	}
}

// waitingStatus is a status of a server whose clients wait for one another.
func waitingStatus() *status.Status {
	st := statusAfter(30)
	since := st.Now.Add(-90 * time.Second)
	st.Server.Budget = []status.Pool{
		{Name: "checksums", Size: 1, InUse: 1, Waiting: 12, Queue: []status.Wait{{Client: "192.0.2.1", By: "eve@192.0.2.66", Since: since}}},
		{Name: "archives", Size: 1},
		{Name: "listings", Size: 64, InUse: 64, Waiting: 1},
	}
	st.Server.Mounts = []status.Mount{{Point: "/srv/nfs", Calls: 64, Hung: true, Refused: 5}, {Point: "/mnt", Refused: 1}}
	return st
}

func TestText(t *testing.T) {
	golden(t, "once80.txt", Text(statusAfter(20), 80))
	golden(t, "once.txt", Text(statusAfter(20), unbounded))
}

// The view never exceeds the terminal.
func TestAnySizeFits(t *testing.T) {
	for width := 1; width <= 200; width += 3 {
		for _, height := range []int{otherLines + 1, 10, 40} {
			d := newDriver(t, width, height)
			d.press("i")
			_ = d.screen()
			d.send(statusMsg{status: waitingStatus()})
			_ = d.screen()
			d.press("k")
			_ = d.screen()
		}
	}
}

func TestBeforeTheFirstStatus(t *testing.T) {
	d := &driver{t: t, server: new(fakeServer)}
	d.m = newModel(t.Context(), d.server, 1)
	if got := d.m.content(); got != "" {
		t.Errorf("without a size: got %q, want nothing", got)
	}
	d.send(tea.WindowSizeMsg{Width: 40, Height: 10})
	if got, want := d.screen(), "waiting for the server...\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.press("down", "i", "r", ">", "k", "p") // keys may come early
	d.send(statusMsg{err: errGone})
	if got, want := d.screen(), "no server answers on 127.0.0.1:9180; st…\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Escape sequences in names are shown, not sent to the terminal.
func TestNamesCannotControlTheTerminal(t *testing.T) {
	st := statusAfter(20)
	for i := range st.Sessions {
		s := &st.Sessions[i]
		s.User, s.Remote, s.Command = "\x1b]0;u\a", "\x1b[31m", "\r\n\x9b"
		for j := range s.Transfers {
			x := &s.Transfers[j]
			x.Op, x.Path, x.Method, x.Cause = "\x1b[2J", "\x1b[2J", "\x1b[2J", "\x1b[2J"
		}
	}
	st.Server.Version = "\x1b[2J"
	d := newDriver(t, 120, 20)
	d.send(statusMsg{status: st})
	d.press("i", "/", "\x1b", "enter", "k")
	for _, text := range []string{d.screen(), Text(st, unbounded)} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Errorf("got a control character: %q", text[i:])
		}
	}
}

func TestPagesFollowTheSelection(t *testing.T) {
	st := statusAfter(20)
	st.Sessions = nil
	for i := range 25 {
		st.Sessions = append(st.Sessions, status.Session{ID: uint64(i + 1), Transfers: []status.Transfer{
			{Path: fmt.Sprintf("/f%02d", i), Rate: new(float64(100 - i))},
		}})
	}
	d := newDriver(t, 100, otherLines+10)
	d.send(statusMsg{status: st})
	for _, tt := range []struct{ key, want, first string }{
		{"end", "/f24", "/f20"}, {"home", "/f00", "/f00"}, {"up", "/f00", "/f00"}, {"pgdown", "/f10", "/f10"},
		{"down", "/f11", "/f10"}, {"pgdown", "/f21", "/f20"}, {"pgdown", "/f24", "/f20"}, {"pgup", "/f14", "/f10"},
	} {
		d.press(tt.key)
		if got := d.file(); got != tt.want {
			t.Fatalf("%s: got %s, want %s", tt.key, got, tt.want)
		}
		if first := strings.Split(d.screen(), "\n")[otherLines-1]; !strings.HasSuffix(first, tt.first) {
			t.Errorf("%s: the page begins with %q, want %s", tt.key, first, tt.first)
		}
	}
	for _, line := range strings.Split(d.m.content(), "\n") {
		if strings.Contains(line, reverse) != strings.Contains(line, "/f14") {
			t.Errorf("a row is marked that is not selected: %q", line)
		}
		if strings.Contains(line, reverse) && show.Width(line) != 100 {
			t.Errorf("got a mark of %d columns, want 100", show.Width(line))
		}
	}
}
