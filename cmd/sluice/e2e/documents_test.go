//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A command of a document stands in a line that begins with a dollar sign, and goes on in the next one after a
// backslash.
var shellCommand = regexp.MustCompile(`(?m)^    \$ ((?:.*\\\n)*.*)$`)

func commandsOf(content string) (all []string) {
	for _, m := range shellCommand.FindAllStringSubmatch(content, -1) {
		all = append(all, m[1])
	}
	return all
}

// Each command with our program in the documents is one that it takes: its flags exist, and its values and files are
// valid. The servers do not start, because their ports may be in use.
func TestTheProgramTakesTheCommandsOfTheDocuments(t *testing.T) {
	needs(t, "bash")
	dir := t.TempDir()
	for _, name := range []string{"bin", "pub", "run", "state"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(program, filepath.Join(dir, "bin/sluice")); err != nil {
		t.Fatal(err)
	}
	p := newPair(t)
	run(t, dir, "cp", p.cert(), filepath.Join(dir, "site.pem"))
	run(t, dir, "cp", p.key(), filepath.Join(dir, "site.key"))
	run(t, dir, "bash", "-c", "echo secret | bin/sluice user add alice --users users")
	if err := os.WriteFile(filepath.Join(dir, "sluice.toml"), []byte("root = \"pub\"\nusers = \"users\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// A shell that checks the commands instead of running them.
	const shell = `set -euo pipefail
PATH="$PWD/bin:$PATH"
pgrep() { echo 1; }
sluice() {
	case $1 in
	serve) command sluice "$@" --check ;;
	*) command sluice "$@" --help >/dev/null ;;
	esac
}
`
	places := strings.NewReplacer("/etc/sluice/", "", "/srv/pub", "pub", "/srv/site", "pub", "/srv", "pub", "/run/sluice/", dir+"/run/", "/var/lib/sluice", "state")
	tried := 0
	for name, content := range documents(t) {
		for _, cmd := range commandsOf(content) {
			if !regexp.MustCompile(`^(SLUICE_\w+=\w+ )*sluice `).MatchString(cmd) {
				continue
			}
			tried++
			cmd, _, _ = strings.Cut(cmd, " | ")
			if out, status := try(t, dir, "bash", "-c", shell+places.Replace(strings.TrimSuffix(cmd, " --check"))); status != 0 {
				t.Errorf("%s: $ %s\n%s", filepath.Base(name), cmd, out)
			}
		}
	}
	if tried < 20 {
		t.Errorf("found %d commands, want more", tried)
	}
}

// The examples of docs/http.md that ask a server of "make run" do so, and succeed.
func TestTheExamplesOfDownloads(t *testing.T) {
	for _, name := range []string{"bash", "go", "curl", "wget", "lftp", "rclone"} {
		needs(t, name)
	}
	sample := filepath.Join(t.TempDir(), "sample")
	build := command(t, checkout, "go", "run", "./testdata/mksample", sample)
	build.Env = os.Environ()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := startUnder(t, nil, sample)
	text, _, found := strings.Cut(readFile(t, "docs/http.md"), "\n## Logins\n")
	if !found {
		t.Fatal("docs/http.md has no section Logins, before which the examples stand")
	}
	dir, tried := t.TempDir(), 0
	for _, cmd := range commandsOf(text) {
		if strings.HasPrefix(cmd, "httpdirfs ") { // it mounts, see TestHttpdirfsMountsATree
			continue
		}
		tried++
		cmd = strings.ReplaceAll(cmd, "http://localhost:8080", strings.TrimSuffix(s.http.String(), "/"))
		if out, status := try(t, dir, "bash", "-c", "set -euo pipefail\n"+cmd); status != 0 {
			t.Errorf("$ %s\nexit status %d\n%s", cmd, status, out)
		}
	}
	if tried < 8 {
		t.Errorf("found %d examples, want more", tried)
	}
	for _, name := range []string{"noise.bin", "docs.zip", "docs/manual.txt"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s is missing: %v", name, err)
		}
	}
}
