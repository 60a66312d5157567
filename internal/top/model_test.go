//go:build !aix

package top

import (
	"errors"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"sluice/internal/admin"
	"sluice/internal/status"
)

func TestKillNeedsConfirmation(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		err          error
		want         []uint64
		notice       string
	}{
		{"yes", "y", nil, []uint64{5}, "session 5 was cut"},
		{"yes in capitals", "Y", nil, []uint64{5}, "session 5 was cut"},
		{"no", "n", nil, nil, ""},
		{"another key", "k", nil, nil, ""},
		{"enter", "enter", nil, nil, ""},
		{"yes, too late", "y", admin.ErrNoSession, []uint64{5}, "session 5 had ended already"},
		{"yes, in vain", "y", errGone, []uint64{5}, "session 5 was not cut: " + errGone.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, 200, 20)
			d.server.err = tt.err
			d.press("down", "k") // the second by rate
			if !strings.Contains(d.screen(), "cut session 5 of ftps, user alice, from [2001:db8:1:2:3:4:5:6]:50003? y/n") {
				t.Errorf("the question is missing:\n%s", d.screen())
			}
			// Another session becomes the first in the meantime.
			st := statusAfter(30)
			st.Sessions[3].Transfers[0].Rate = new(1e12)
			d.send(statusMsg{status: st})
			if cmd := d.press(tt.answer); cmd != nil {
				d.send(cmd())
			}
			if !slices.Equal(d.server.killed, tt.want) {
				t.Errorf("got %v cut, want %v", d.server.killed, tt.want)
			}
			if d.m.notice != tt.notice || !strings.Contains(d.screen(), tt.notice) {
				t.Errorf("got the notice %q, want %q", d.m.notice, tt.notice)
			}
			if d.m.mode != viewing {
				t.Error("the question stays")
			}
		})
	}
}

func TestKillWithoutASession(t *testing.T) {
	d := newDriver(t, 80, 20)
	d.press("/", "#", "enter")
	if cmd := d.press("k"); cmd != nil || d.m.mode != viewing {
		t.Error("asked about no session")
	}
}

func TestSelectionStaysWithItsRow(t *testing.T) {
	d := newDriver(t, 120, 20)
	d.press("down")
	was := d.file()
	st := statusAfter(30)
	st.Sessions[2].Transfers[0].Rate = new(1e12) // now it is the first
	d.send(statusMsg{status: st})
	if d.file() != was || d.m.index != 0 {
		t.Errorf("got row %d, %q, want row 0, %q", d.m.index, d.file(), was)
	}
	// If the row ends, the next one takes its place.
	st = statusAfter(40)
	st.Sessions[2].Transfers = nil
	d.send(statusMsg{status: st})
	if d.m.index != 0 || d.file() == was {
		t.Errorf("got row %d, %q, want row 0 and another one", d.m.index, d.file())
	}
	st.Sessions = []status.Session{}
	d.send(statusMsg{status: st})
	d.press("up", "down", "end")
	if d.m.index != 0 || d.file() != "" {
		t.Errorf("got row %d of none", d.m.index)
	}
}

func TestSorting(t *testing.T) {
	files := func(d *driver) (all []string) {
		for _, r := range d.m.rows {
			all = append(all, r.file())
		}
		return all
	}
	const iso, zip, tar, young = "/iso/debian-13.1.0-amd64-DVD-1.iso", "/incoming/\x1b[2J\u202ebad\xff.zip", "/日本語/とても長い名前のファイル.tar", "/new"
	for _, tt := range []struct {
		name string
		keys []string
		want []string
	}{
		{"by rate", nil, []string{iso, zip, tar, young}},
		{"by rate, reversed", []string{"r"}, []string{young, tar, zip, iso}},
		{"by how much is done", []string{">"}, []string{tar, iso, young, zip}},
		{"by the session", []string{"<"}, []string{iso, zip, tar, young}},
		{"by the file, from the other end", []string{"<", "<"}, []string{zip, iso, young, tar}},
		{"by the session, after all columns", slices.Repeat([]string{">"}, 12), []string{iso, zip, tar, young}},
		{"another column is not reversed", []string{"r", ">"}, []string{tar, iso, young, zip}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, 120, 20)
			d.press(tt.keys...)
			if got := files(d); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFilter(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       int
	}{
		{"a user", "ALICE", 1}, {"a file", "debian", 1}, {"a cause", "send buf", 1}, {"a method", "splice", 1},
		{"an address", "192.0.2.", 2}, {"a protocol", "ftps", 1}, {"a state", "working", 1}, {"a command", "list", 1}, {"nothing", "", 6}, {"nobody", "nobody", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDriver(t, 120, 20)
			d.press("i", "/")
			for _, r := range tt.text {
				d.press(string(r))
			}
			d.press("enter")
			if got := len(d.m.rows); got != tt.want {
				t.Errorf("got %d rows, want %d", got, tt.want)
			}
			d.press("esc")
			if got := len(d.m.rows); got != 6 {
				t.Errorf("after esc: got %d rows, want 6", got)
			}
		})
	}
}

func TestFilterIsTyped(t *testing.T) {
	d := newDriver(t, 120, 20)
	d.press("/", "q", "日", "k", "backspace")
	if got, want := d.m.filter, "q日"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.press("backspace", "backspace", "backspace", "up", "x")
	if got, want := d.m.filter, "x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.send(tea.PasteMsg{Content: "yz"})
	if got, want := d.m.filter, "xyz"; got != want {
		t.Errorf("after a paste: got %q, want %q", got, want)
	}
	d.press("esc")
	d.send(tea.PasteMsg{Content: "k"})
	if d.m.filter != "" || d.m.mode != viewing {
		t.Errorf("after esc: got %q", d.m.filter)
	}
}

func TestPause(t *testing.T) {
	d := newDriver(t, 120, 20)
	d.press("p")
	d.send(statusMsg{status: statusAfter(50)}) // requested before the pause
	if got, want := d.m.now.Now, statusAfter(20).Now; !got.Equal(want) {
		t.Errorf("while paused: got the status of %v, want that of %v", got, want)
	}
	if cmd := d.send(refreshMsg{}); cmd == nil {
		t.Error("while paused: no command")
	}
	d.press(" ")
	if d.m.paused {
		t.Error("the space key does not continue")
	}
	d.send(d.send(refreshMsg{})())
	if d.m.failure != nil || !d.m.now.Now.Equal(statusAfter(20).Now) {
		t.Errorf("after it: got %v", d.m.failure)
	}
}

// Without a selection the first row stays selected, whichever transfer is the fastest; a
// selection follows its transfer.
func TestTheFirstRowStaysSelected(t *testing.T) {
	const iso, tar = "/iso/debian-13.1.0-amd64-DVD-1.iso", "/日本語/とても長い名前のファイル.tar"
	d := newDriver(t, 120, otherLines+1)
	fast := func(i int) {
		st := statusAfter(30)
		st.Sessions[i].Transfers[0].Rate = new(1e12)
		d.send(statusMsg{status: st})
	}
	for _, tt := range []struct {
		name string
		do   func()
		want string
	}{
		{"at first", func() {}, iso},
		{"another is faster", func() { fast(3) }, tar},
		{"it is the first again", func() { fast(1) }, iso},
		{"the third is selected", func() { d.press("down", "down") }, tar},
		{"and becomes the first", func() { fast(3) }, tar},
		{"and is not any more", func() { fast(1) }, tar},
		{"the first is selected", func() { d.press("home") }, iso},
		{"and becomes another", func() { fast(3) }, tar},
	} {
		tt.do()
		if got := d.file(); got != tt.want {
			t.Fatalf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAFailureIsShownUntilTheNextStatus(t *testing.T) {
	d := newDriver(t, 200, 20)
	if cmd := d.send(statusMsg{err: errGone}); cmd == nil {
		t.Error("no other request follows")
	}
	if !strings.Contains(d.screen(), "no response: "+errGone.Error()) || !strings.Contains(d.screen(), "/iso/debian") {
		t.Errorf("the failure is not shown above the last status:\n%s", d.screen())
	}
	d.send(statusMsg{status: statusAfter(30)})
	if strings.Contains(d.screen(), "no response") {
		t.Error("the failure stays")
	}
}

func TestQuit(t *testing.T) {
	for _, keys := range [][]string{{"q"}, {"ctrl+c"}, {"/", "ctrl+c"}, {"k", "ctrl+c"}, {"?", "ctrl+c"}} {
		d := newDriver(t, 80, 20)
		cmd := d.press(keys...)
		if cmd == nil {
			t.Errorf("%v: it does not quit", keys)
			continue
		}
		if _, ok := cmd().(tea.QuitMsg); !ok {
			t.Errorf("%v: it does not quit", keys)
		}
	}
}

func TestEveryKeyIsInOneBinding(t *testing.T) {
	seen := make(map[string]bool)
	for _, b := range bindings {
		for _, k := range b.keys {
			if seen[k] {
				t.Errorf("%s has two meanings", k)
			}
			seen[k] = true
		}
	}
}

func TestRequestsReachTheServer(t *testing.T) {
	d := newDriver(t, 80, 20)
	d.server.err = errGone
	if msg := d.m.Init()().(statusMsg); !errors.Is(msg.err, errGone) {
		t.Errorf("got %v, want the error of the server", msg.err)
	}
	d.server.err = nil
	if msg := d.send(refreshMsg{})().(statusMsg); msg.status == nil {
		t.Error("got no status")
	}
}
