package daemon

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/nettest"
)

func TestRootFollowsItsName(t *testing.T) {
	dir := nettest.TempDir(t)
	name := filepath.Join(dir, "pub")
	make := func(content string) {
		t.Helper()
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(name, "f"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Skip("an open directory cannot be replaced here:", err)
		}
	}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	make("1")
	r, err := openDirectory(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	for _, step := range []struct {
		name    string
		change  func()
		changes bool
		want    string // in f
		logs    string
	}{
		{"nothing", func() {}, false, "1", ""},
		{"it is gone", func() { must(os.Rename(name, name+".old")) }, false, "1", "has lost its name"},
		{"it stays gone", func() {}, false, "1", ""},
		{"another comes", func() { make("2") }, true, "2", "served now"},
		{"a file takes its place", func() {
			must(os.Rename(name, name+".older"))
			must(os.WriteFile(name, nil, 0o644))
		}, false, "2", "restart"},
		{"it comes back", func() { must(os.Remove(name)); must(os.Rename(name+".older", name)) }, false, "2", ""},
		{"a link to the first", func() { must(os.Rename(name, name+".older")); must(os.Symlink("pub.old", name)) }, true, "1", "served now"},
		{"the link is switched", func() {
			must(os.Symlink("pub.older", name+".new"))
			must(os.Rename(name+".new", name))
		}, true, "2", "served now"},
		{"it is removed and made anew", func() { must(os.Remove(name)); make("3") }, true, "3", "served now"},
	} {
		step.change()
		log.Reset()
		before := r.tree()
		if changed := r.update(logger) != nil; changed != step.changes || (r.tree() != before) != changed {
			t.Errorf("%s: changed %v, want %v", step.name, changed, step.changes)
		}
		if got, err := afero.ReadFile(r.tree(), "/f"); string(got) != step.want || err != nil {
			t.Errorf("%s: f holds %q, %v, want %q", step.name, got, err, step.want)
		}
		if got := log.String(); !strings.Contains(got, step.logs) || step.logs == "" && got != "" {
			t.Errorf("%s: logged %q, want %q", step.name, got, step.logs)
		}
	}
}
