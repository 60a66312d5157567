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

// TestTheOracle plays the dialogues of testdata/script against the server of
// ftpserverlib, which serves the same accounts and trees. Where the two engines
// differ, testdata/oracle.txt says so and why: a difference that is not there fails,
// and so does one that is there no more. Its lines are
//
//	# COMMENT
//	reason KEY TEXT
//	stop KEY SCRIPT:LINE     what the library does from there on is not always the same
//	KEY SCRIPT:LINE STEP -> what the library does
//
// UPDATE=1 go test -run TestTheOracle ./ftpd writes the differences anew, with "?" as
// the key of each new one. A script ends where the library is out of step with it.
func TestTheOracle(t *testing.T) {
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
			got := known.consult(t, name)
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
		nettest.Golden(t, "oracle.txt", known.with(all))
	}
}

// consult returns where the library differs from a script. Its replies get lost now
// and then, when two goroutines write them (weakness 5): it is asked again if the
// answer is not the one that is known.
func (o oracle) consult(t *testing.T, name string) (differences []string) {
	for range 5 {
		differences = o.ask(t, name)
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

// ask plays a script once. For what is known not to come it does not wait long. The
// library leaves sockets behind, which is no matter here.
func (o oracle) ask(t *testing.T, name string) (differences []string) {
	p := newPlayer(t, name, scriptBy(func(s *server, ln net.Listener) error {
		s.AcceptTimeout = time.Second // the end of a session waits for that in the library
		return byLibrary(s, ln)
	}))
	difference := func(what string) string {
		kind, _, _ := strings.Cut(what, ":") // what comes then may differ from run to run
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
	p.differ = func(what string) { differences = append(differences, difference(what)) }
	if at, ok := o.stops[p.script]; ok {
		p.lines = p.lines[:at-1]
	}
	p.play()
	return differences
}

// oracle is what is known of the differences.
type oracle struct {
	head    []string          // the comments and reasons
	reasons map[string]string // by their keys
	keys    map[string]string // of the reason of each difference
	stops   map[string]int    // the line from which on a script is not compared
}

// of returns the differences of a script.
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

// with returns the file with these differences.
func (o oracle) with(differences []string) string {
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
