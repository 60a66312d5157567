//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tabKey presses the key Tab, which leads to the next control of a page.
func (b *tab) tabKey() {
	b.t.Helper()
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}, nil)
	}
}

// enter presses Enter, which leads to another page.
func (b *tab) enter() {
	b.t.Helper()
	b.send("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"})
	b.answer("Input.dispatchKeyEvent", nil, loaded)
}

// width makes the window so many pixels wide, as on a phone.
func (b *tab) width(pixels int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": pixels, "height": 700, "deviceScaleFactor": 1, "mobile": pixels < 500}, nil)
}

// Scripts that look at a page.
const (
	tooWide    = `(edge => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > edge + 0.5).map(e => e.outerHTML.slice(0, 100)).join('\n'))(Math.min(window.innerWidth, document.body.getBoundingClientRect().right) - parseFloat(getComputedStyle(document.body).paddingRight))`
	unlabelled = `[...document.querySelectorAll('input:not([type=hidden])')].filter(e => !e.labels.length && !e.ariaLabel).map(e => e.outerHTML).join('\n')`
	focused    = `(e => e.innerText || e.name || e.tagName)(document.activeElement)`
)

// Each page fits a phone and a wide window, and each of its fields has a label.
func TestThePagesOfUsersFitTheWindow(t *testing.T) {
	s := startWritable(t)
	s.file("dir/"+strings.Repeat("a name without any spaces-", 7), 10)
	s.file("dir/old.txt", 10)
	again := filepath.Join(t.TempDir(), "old.txt")
	writePattern(t, again, 20)
	b := openTab(t, t.TempDir())
	check := func(page string) {
		t.Helper()
		for _, pixels := range []int{375, 1200} {
			b.width(pixels)
			if got := b.script(tooWide, ""); got != "" {
				t.Errorf("%s, %d pixels: beyond the margin:\n%s", page, pixels, got)
			}
			b.shot(fmt.Sprintf("fits-%s-%d.png", strings.ReplaceAll(page, " ", "-"), pixels))
		}
		if got := b.script(unlabelled, ""); got != "" {
			t.Errorf("%s: fields without a label:\n%s", page, got)
		}
	}
	dir := s.http.JoinPath("dir/").String()
	b.open(dir)
	check("the listing of a guest")
	b.open(dir + "?login")
	check("the login page")
	b.logIn(user, "wrong")
	check("a wrong password")
	b.logIn(user, password)
	check("the listing of a user")
	b.choose("input[type=file]", again)
	b.script("document.querySelector('.upload button').click()", loaded)
	check("files that are not saved")
	b.open(dir + "?logout")
	check("the page to log out")
}

// A person without a mouse logs in, reaches all controls of the listing, and uploads a file.
func TestThePagesOfUsersNeedNoMouse(t *testing.T) {
	s := startWritable(t)
	s.file("dir/old.txt", 10)
	file := filepath.Join(t.TempDir(), "new.txt")
	writePattern(t, file, 20)
	b := openTab(t, t.TempDir())
	b.call("Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}, nil)
	b.open(s.http.JoinPath("dir/").String() + "?login")
	eventually(t, "the field of the name has the focus", func() bool { return b.script(focused, "") == "username" })
	b.call("Input.insertText", map[string]any{"text": user}, nil)
	b.tabKey()
	b.call("Input.insertText", map[string]any{"text": password}, nil)
	b.enter()
	b.shot("keyboard.png")
	if page := b.text(); !strings.Contains(page, "Log out") {
		t.Fatalf("not logged in:\n%s", page)
	}
	var order []string
	for range 30 {
		b.tabKey()
		name := b.script(focused, "")
		if name == "BODY" || len(order) > 1 && name == order[0] {
			break
		}
		order = append(order, name)
	}
	last := -1
	for _, want := range []string{"zip", "search", "Log out", "Name ▴", "old.txt", "existing", "file", "Upload"} {
		at := slices.Index(order, want)
		if at <= last {
			t.Errorf("the key Tab reaches %q, want %q there, behind the one before", order, want)
		}
		last = at
	}
	b.choose("input[type=file]", file)
	b.script("document.querySelector('.upload button').focus()", "")
	b.enter()
	wantPattern(t, s.path("dir/new.txt"), 0, 20)
}
