package ftpd_test

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// TestAgainstFtpserverlib runs the dialogues of testdata/script against the server of
// ftpserverlib, with the same accounts and files.
func TestAgainstFtpserverlib(t *testing.T) {
	if raceDetector {
		t.Skip("the library has data races (weakness 5 in ftpserverlib.md)")
	}
	known := readOracle(t, "oracle.txt")
	known.begin = scriptWithEngine(func(s *server, ln net.Listener) error {
		s.AcceptTimeout = time.Second // in the library, the end of a session waits for it
		return libraryEngine(s, ln)
	})
	known.attempts = 5 // replies of the library are sometimes lost when two goroutines write them (weakness 5)
	known.test(t)
}

// test runs the dialogues of testdata/script against another server than the one that they
// are for. A file in testdata lists the differences and their reasons. The test fails for a
// difference that is not listed, and for a listed one that does not occur. The lines of the
// file are
//
//	# COMMENT
//	reason KEY TEXT
//	stop KEY SCRIPT:LINE     from this line on the behaviour varies
//	KEY SCRIPT:LINE STEP -> behaviour of the other server
//
// UPDATE=1 go test -run NAME ./ftpd rewrites the differences, with "?" as the key of each
// new one. A script ends early if the behaviour differs so much that it cannot go on.
func (o oracle) test(t *testing.T) {
	names, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no scripts", err)
	}
	var all []string
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			got := o.compare(t, name)
			all = append(all, got...)
			if os.Getenv("UPDATE") != "" {
				return
			}
			for _, difference := range got {
				if o.reasons[o.keys[difference]] == "" {
					t.Errorf("a difference without a reason: %s", difference)
				}
			}
			for difference := range o.of(name) {
				if !slices.Contains(got, difference) {
					t.Errorf("no difference any more: %s", difference)
				}
			}
		})
	}
	if os.Getenv("UPDATE") != "" {
		nettest.Golden(t, o.file, o.text(all))
	}
}

// compare returns the differences from a script. If they are not the known ones it tries
// again.
func (o oracle) compare(t *testing.T, name string) (differences []string) {
	for range o.attempts {
		differences = o.play(t, name)
		if maps.Equal(o.of(name), setOf(differences)) {
			break
		}
	}
	return differences
}

func setOf(lines []string) map[string]bool {
	set := make(map[string]bool)
	for _, line := range lines {
		set[line] = true
	}
	return set
}

// play runs a script once and returns the differences. It does not wait long for replies
// that are known to be missing.
func (o oracle) play(t *testing.T, name string) (differences []string) {
	p := newPlayer(t, name, o.begin)
	difference := func(what string) string {
		kind, _, _ := strings.Cut(what, ":") // the rest may differ from run to run
		return fmt.Sprintf("%s:%d %s -> %s", p.script, p.at, p.lines[p.at-1], kind)
	}
	p.wait = func() time.Duration {
		for _, what := range []string{"no reply", "no end", "no data connection", "other data"} {
			if o.keys[difference(what)] != "" {
				return 200 * time.Millisecond
			}
		}
		return 5 * time.Second
	}
	p.mismatch = func(what string) { differences = append(differences, difference(what)) }
	if at, ok := o.stops[p.script]; ok {
		p.lines = p.lines[:at-1]
	}
	p.play()
	return differences
}

// oracle has the known differences.
type oracle struct {
	file     string                                    // in testdata
	begin    func(t *testing.T, set []setting) *server // starts the server
	attempts int

	head    []string          // the comments, reasons and stops
	reasons map[string]string // by key
	keys    map[string]string // the key of each difference's reason
	stops   map[string]int    // by script: the line from which on it is not compared
}

// of returns the known differences of a script.
func (o oracle) of(name string) map[string]bool {
	set := make(map[string]bool)
	prefix := strings.TrimSuffix(filepath.Base(name), ".txtar") + ":"
	for difference := range o.keys {
		if strings.HasPrefix(difference, prefix) {
			set[difference] = true
		}
	}
	return set
}

func readOracle(t *testing.T, file string) oracle {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	o := oracle{file: file, attempts: 1, reasons: map[string]string{}, keys: map[string]string{}, stops: map[string]int{}}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		key, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || key == "#":
			o.head = append(o.head, line)
		case key == "reason":
			name, reason, _ := strings.Cut(rest, " ")
			o.reasons[name] = reason
			o.head = append(o.head, line)
		case key == "stop":
			reason, where, _ := strings.Cut(rest, " ")
			script, at, _ := strings.Cut(where, ":")
			n, err := strconv.Atoi(at)
			if err != nil || o.reasons[reason] == "" {
				t.Fatalf("%s: %q", file, line)
			}
			o.stops[script] = n
			o.head = append(o.head, line)
		default:
			o.keys[rest] = key
		}
	}
	return o
}

// text returns the content of the file with these differences.
func (o oracle) text(differences []string) string {
	lines := slices.Clone(o.head)
	for _, difference := range differences {
		key := o.keys[difference]
		if key == "" {
			key = "?"
		}
		lines = append(lines, key+" "+difference)
	}
	return strings.Join(lines, "\n") + "\n"
}
