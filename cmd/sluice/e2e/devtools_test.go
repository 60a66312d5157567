//go:build e2e

package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// tab is a page of a headless browser, which is controlled by its DevTools protocol over
// two pipes: messages of JSON, each with a NUL at its end.
type tab struct {
	t       *testing.T
	to      *os.File
	from    *bufio.Reader
	session string
	last    int
}

// openTab starts a browser that saves its downloads in dir.
func openTab(t *testing.T, dir string, flags ...string) *tab {
	t.Helper()
	nettest.NeedsProgram(t, "chromium", "chromium")
	theirIn, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("chromium", append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir=" + t.TempDir(), "--remote-debugging-pipe", "--window-size=500,400",
	}, flags...)...)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	_ = from.SetReadDeadline(time.Now().Add(2 * patience)) // so that a failing test does not hang
	b := &tab{t: t, to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		_ = to.Close() // ends the browser
		_ = cmd.Wait()
		_ = from.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.call("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": dir, "eventsEnabled": true}, nil)
	b.session = attached.SessionID
	b.call("Page.enable", nil, nil)
	return b
}

// message is what the browser sends.
type message struct {
	ID     int
	Method string
	Params struct{ State string }
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (b *tab) read() (m message) {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	if err == nil {
		err = json.Unmarshal(text[:len(text)-1], &m)
	}
	if err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
	return m
}

// call calls a method of the protocol. While it waits it ignores events.
func (b *tab) call(method string, params, result any) {
	b.t.Helper()
	b.send(method, params)
	b.answer(method, result, "")
}

func (b *tab) send(method string, params any) {
	b.t.Helper()
	b.last++
	request := map[string]any{"id": b.last, "method": method}
	if b.session != "" {
		request["sessionId"] = b.session
	}
	if params != nil {
		request["params"] = params
	}
	text, err := json.Marshal(request)
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// answer waits for the result of the last call, and for an event; "": none.
func (b *tab) answer(method string, result any, event string) {
	b.t.Helper()
	for isAnswered := false; !isAnswered || event != ""; {
		m := b.read()
		switch {
		case m.ID == b.last && m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		case m.ID == b.last:
			isAnswered = true
			if result != nil {
				if err := json.Unmarshal(m.Result, result); err != nil {
					b.t.Fatal(err)
				}
			}
		case m.Method == event:
			event = ""
		}
	}
}

// loaded is the event that a page is complete.
const loaded = "Page.loadEventFired"

// open goes to a page.
func (b *tab) open(url string) {
	b.t.Helper()
	b.send("Page.navigate", map[string]any{"url": url})
	b.answer("Page.navigate", nil, loaded)
}

// script runs a script, waits for an event if it is not "", and returns the text of the
// result.
func (b *tab) script(text, event string) string {
	b.t.Helper()
	var result struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	b.send("Runtime.evaluate", map[string]any{"expression": text, "userGesture": true})
	b.answer(text, &result, event)
	if result.ExceptionDetails != nil {
		b.t.Fatalf("%s: %v", text, result.ExceptionDetails)
	}
	value, _ := result.Result.Value.(string)
	return value
}

// awaitDownload waits for the end of a download.
func (b *tab) awaitDownload() {
	b.t.Helper()
	for {
		switch m := b.read(); {
		case m.Method != "Browser.downloadProgress":
		case m.Params.State == "completed":
			return
		case m.Params.State == "canceled":
			b.t.Fatal("the browser has canceled the download")
		}
	}
}

// text returns what a person reads on the page.
func (b *tab) text() string {
	b.t.Helper()
	return b.script("document.title + '\\n' + document.body.innerText", "")
}

// logIn fills in the form of the login page.
func (b *tab) logIn(user, password string) {
	b.t.Helper()
	quoted := func(s string) string { text, _ := json.Marshal(s); return string(text) }
	b.script("document.querySelector('input[autocomplete=username]').value = "+quoted(user)+
		"; document.querySelector('input[autocomplete=current-password]').value = "+quoted(password)+
		"; document.querySelector('form button').click()", loaded)
}

// shot saves a picture of the page, if a directory for these is named in the environment.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("SLUICE_TEST_SHOTS")
	if dir == "" {
		return
	}
	var picture struct{ Data string }
	b.call("Page.captureScreenshot", nil, &picture)
	content, err := base64.StdEncoding.DecodeString(picture.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), content, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A person logs in by the form, after a mistake, reads and downloads what a guest does not
// see, and logs out.
func TestABrowserLogsInByTheForm(t *testing.T) {
	s := startSecure(t, "--tls-self-signed", "--user", login, "--anonymous=false")
	s.file("dir/large file", large)
	s.file("dir/page.html", 10)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			b := openTab(t, dir, "--ignore-certificate-errors")
			wants := func(texts ...string) {
				t.Helper()
				page := b.text()
				for _, text := range texts {
					if !strings.Contains(page, text) {
						t.Fatalf("the page lacks %q:\n%s", text, page)
					}
				}
			}
			b.open(s.urlOf(scheme, "dir/") + "?sort=size")
			wants("Log in", "Log in with a name and a password.")
			b.shot(scheme + "-1-page.png")
			b.logIn(user, "wrong")
			wants("Log in", "The name or the password is wrong.")
			b.shot(scheme + "-2-wrong.png")
			b.logIn(user, password)
			wants("large file", user, "Log out")
			if at := b.script("location.href", ""); at != s.urlOf(scheme, "dir/")+"?sort=size" {
				t.Errorf("the login leads to %s", at)
			}
			if cookie := b.script("document.cookie", ""); cookie != "" {
				t.Errorf("a script sees the cookie %s", cookie)
			}
			b.shot(scheme + "-3-listing.png")
			b.script("[...document.links].find(a => a.textContent == 'large file').click()", "")
			saved := filepath.Join(dir, "large file")
			b.awaitDownload()
			wantPattern(t, saved, 0, large)
			b.script("[...document.querySelectorAll('button')].find(b => b.textContent == 'Log out').click()", loaded)
			wants("Log in with a name and a password.")
			b.open(s.urlOf(scheme, "dir/"))
			wants("Log in with a name and a password.")
		})
	}
}
