//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// choose chooses files in the input of a form.
func (b *tab) choose(selector string, files ...string) {
	b.t.Helper()
	var document struct{ Root struct{ NodeID int } }
	b.call("DOM.getDocument", nil, &document)
	var node struct{ NodeID int }
	b.call("DOM.querySelector", map[string]any{"nodeId": document.Root.NodeID, "selector": selector}, &node)
	b.call("DOM.setFileInputFiles", map[string]any{"nodeId": node.NodeID, "files": files}, nil)
}

// A person logs in, uploads files, and replaces one of them only after the page has said that it exists.
func TestABrowserUploadsFilesByTheForm(t *testing.T) {
	s := startWritable(t)
	s.file("dir/old.txt", 10)
	up := t.TempDir()
	for name, size := range map[string]int64{"one.txt": 1234, "zwei & drei.bin": 3 << 20, "old.txt": 20} {
		writePattern(t, filepath.Join(up, name), size)
	}
	const chooser = "input[type=file]"
	upload := func(b *tab) { b.script("document.querySelector('.upload button').click()", loaded) }
	b := openTab(t, t.TempDir(), "--window-size=900,700")
	b.open(s.http.JoinPath("dir/").String())
	if b.script("String(document.querySelector('"+chooser+"'))", "") != "null" {
		t.Error("a guest has a form")
	}
	b.open(s.http.JoinPath("dir/").String() + "?login")
	b.logIn(user, password)
	b.choose(chooser, filepath.Join(up, "one.txt"), filepath.Join(up, "zwei & drei.bin"))
	b.shot("form.png")
	upload(b)
	page := b.text()
	for _, want := range []string{"one.txt", "zwei & drei.bin", "3.0 MiB", "old.txt", "3 files"} {
		if !strings.Contains(page, want) {
			t.Errorf("the listing lacks %q:\n%s", want, page)
		}
	}
	b.shot("form-uploaded.png")
	wantPattern(t, s.path("dir/one.txt"), 0, 1234)
	wantPattern(t, s.path("dir/zwei & drei.bin"), 0, 3<<20)

	b.choose(chooser, filepath.Join(up, "old.txt"))
	upload(b)
	if page := b.text(); !strings.Contains(page, "old.txt") || !strings.Contains(page, "There is a file of this name. It was kept.") {
		t.Errorf("the page does not say that the file exists:\n%s", page)
	}
	b.shot("form-kept.png")
	wantPattern(t, s.path("dir/old.txt"), 0, 10)

	b.script("document.querySelector('a').click()", loaded)
	b.choose(chooser, filepath.Join(up, "old.txt"))
	b.script("document.querySelector('input[name=existing]').checked = false", "")
	upload(b)
	wantPattern(t, s.path("dir/old.txt"), 0, 20)
	if got := b.script("location.pathname + location.search", ""); got != "/dir/" {
		t.Errorf("the browser is at %s", got)
	}
}
