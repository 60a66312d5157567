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
// ftpserverlib, with the same accounts and files. testdata/oracle.txt lists the
// differences between the two engines and their reasons. The test fails for a difference
// that is not listed, and for a listed one that does not occur. The lines of the file are
//
//	# COMMENT
//	reason KEY TEXT
//	stop KEY SCRIPT:LINE     from this line on the library's behaviour varies
//	KEY SCRIPT:LINE STEP -> behaviour of the library
//
// UPDATE=1 go test -run TestAgainstFtpserverlib ./ftpd rewrites the differences, with "?"
// as the key of each new one. A script ends early if the library differs so much that it
// cannot go on.
func TestAgainstFtpserverlib(t *testing.T) {
	if raceDetector {
		t.Skip("the library has data races (weakness 5 in ftpserverlib.md)")
	}
	names, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no scripts", err)
	}
	known := readOracle(t)
	var all []string
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			got := known.compare(t, name)
			all = append(all, got...)
			if os.Getenv("UPDATE") != "" {
				return
			}
			for _, difference := range got {
				if known.reasons[known.keys[difference]] == "" {
					t.Errorf("the engines differ without a reason: %s", difference)
				}
			}
			for difference := range known.of(name) {
				if !slices.Contains(got, difference) {
					t.Errorf("the engines do not differ any more: %s", difference)
				}
			}
		})
	}
	if os.Getenv("UPDATE") != "" {
		nettest.Golden(t, "oracle.txt", known.text(all))
	}
}

// compare returns the differences of the library from a script. If they are not the known
// ones it tries again, because replies of the library are sometimes lost when two
// goroutines write them (weakness 5).
func (o oracle) compare(t *testing.T, name string) (differences []string) {
	for range 5 {
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
// that are known to be missing. The library leaks sockets, which does not matter here.
func (o oracle) play(t *testing.T, name string) (differences []string) {
	p := newPlayer(t, name, scriptWithEngine(func(s *server, ln net.Listener) error {
		s.AcceptTimeout = time.Second // in the library, the end of a session waits for it
		return libraryEngine(s, ln)
	}))
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

func readOracle(t *testing.T) oracle {
	t.Helper()
	text, err := os.ReadFile("testdata/oracle.txt")
	if err != nil {
		t.Fatal(err)
	}
	o := oracle{reasons: map[string]string{}, keys: map[string]string{}, stops: map[string]int{}}
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
				t.Fatalf("oracle.txt: %q", line)
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
