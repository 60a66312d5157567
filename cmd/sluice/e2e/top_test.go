//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A screen is a terminal of 80 columns and 24 lines in which a program runs.
type screen struct {
	t      *testing.T
	dir    string
	socket string // of tmux
}

// newScreen runs a program in a terminal until the test ends.
func newScreen(t *testing.T, argv ...string) *screen {
	t.Helper()
	dir, err := os.MkdirTemp("", "top-") // t.TempDir is too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sc := &screen{t, dir, filepath.Join(dir, "s")}
	t.Cleanup(sc.end)
	sc.tmux(append([]string{"new-session", "-d", "-x", "80", "-y", "24", "--"}, argv...)...)
	sc.tmux("set-option", "-g", "remain-on-exit", "on")
	return sc
}

func (sc *screen) tmux(args ...string) string {
	sc.t.Helper()
	return run(sc.t, sc.dir, "tmux", append([]string{"-S", sc.socket, "-f", os.DevNull}, args...)...)
}

// end ends the terminal and the program in it.
func (sc *screen) end() {
	cmd := exec.Command("tmux", "-S", sc.socket, "kill-server") // not by run, whose context has ended
	_ = cmd.Run()                                               // fails if tmux has ended by itself
}

// press presses keys, by the names that tmux has for them.
func (sc *screen) press(keys ...string) {
	sc.t.Helper()
	sc.tmux(append([]string{"send-keys"}, keys...)...)
}

// masked returns the content of the screen without the parts that differ between runs:
// each number is N, runs of spaces are one space, and totals and the host, which may be
// cut off, are left out.
func (sc *screen) masked() string {
	sc.t.Helper()
	text := sc.tmux("capture-pane", "-p")
	text = regexp.MustCompile(`[0-9]+(\.[0-9]+)*`).ReplaceAllString(text, "N")
	text = regexp.MustCompile(` +`).ReplaceAllString(text, " ")
	text = regexp.MustCompile(` [kM]B`).ReplaceAllString(text, " B")
	text = regexp.MustCompile(`(?m) total: .*$`).ReplaceAllString(text, " total")
	text = regexp.MustCompile(`(?m)( fds N/N) .*$`).ReplaceAllString(text, "$1") // what the host does, which comes and goes
	return strings.TrimRight(regexp.MustCompile(`(?m)^ | $`).ReplaceAllString(text, ""), "\n") + "\n"
}

// want waits until the screen equals a golden file.
func (sc *screen) want(name string) {
	sc.t.Helper()
	golden, err := os.ReadFile(filepath.Join("testdata", "top", name+".txt"))
	if err != nil {
		sc.t.Fatal(err)
	}
	var got string
	eventually(sc.t, "the screen "+name, func() bool {
		got = sc.masked()
		return got == string(golden)
	})
	if sc.t.Failed() {
		sc.t.Fatalf("got:\n%s\nwant:\n%s", got, golden)
	}
}

func TestTopInATerminal(t *testing.T) {
	s := start(t, "--admin", "127.0.0.1:0")
	s.file("large.bin", 256<<20)
	held, err := http.Get(s.http.String() + "large.bin") // the body is not read
	if err != nil {
		t.Fatal(err)
	}
	defer held.Body.Close()
	sc := newScreen(t, program, "top", "--admin", adminOf(s), "--interval", "200ms")
	sc.want("stalled")
	sc.press("?")
	sc.want("help")
	sc.press("q")
	sc.want("stalled")
	sc.press("k")
	sc.want("question")
	sc.press("y")
	sc.want("cut")
	if got := len(s.log.await(1, patience, func(line string) bool { return strings.Contains(line, "a session was cut by the operator") })); got != 1 {
		t.Errorf("%d sessions were cut according to the log, want 1", got)
	}
	sc.press("q")
	// The test does not check the exit status, because tmux does not always get it.
	eventually(t, "top has ended", func() bool { return sc.tmux("display-message", "-p", "#{pane_dead}") == "1\n" })
}

func TestTopRefusesATerminalThatCannotMoveItsCursor(t *testing.T) {
	sc := newScreen(t, "sh", "-c", "TERM=dumb "+program+" top; cat") // cat keeps the terminal
	eventually(t, "top is refused", func() bool {
		return strings.Contains(strings.ReplaceAll(sc.tmux("capture-pane", "-p"), "\n", ""), "--once; see")
	})
}
