package session

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// Damage of a byte, wherever it is, ends one session at most, or two if the line break
// between them is lost.
func TestDamageEndsOnlyTheSessionsOfItsLines(t *testing.T) {
	s := newStore(t)
	tokens := []string{begin(t, s, "alice"), begin(t, s, "bob"), begin(t, s, "carol")}
	whole, err := os.ReadFile(s.File)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		all, lines, err := parse(damaged)
		isBreak := whole[i] == '\n'
		if err != nil || lines == 0 || len(all) < 2 && !isBreak || len(all) < 1 {
			t.Fatalf("at %d: %d sessions, %d damaged lines, %v", i, len(all), lines, err)
		}
	}
	for cut := len(heading); cut < len(whole); cut++ {
		if _, _, err := parse(whole[:cut]); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}

	var log bytes.Buffer
	if err := os.WriteFile(s.File, bytes.Replace(whole, []byte(`"bob"`), []byte(`"bot"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	again := &Store{File: s.File, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	wantUser(t, again, tokens[0], "alice")
	wantUser(t, again, tokens[1], "")
	wantUser(t, again, tokens[2], "carol")
	if !strings.Contains(log.String(), "1 damaged lines") {
		t.Errorf("logged %q", log.String())
	}
	begin(t, again, "dave")
	if content, _ := os.ReadFile(s.File); bytes.Contains(content, []byte("bot")) || !bytes.Contains(content, []byte("carol")) {
		t.Errorf("the file is\n%s", content)
	}
}

func TestAForeignFileIsLeftAlone(t *testing.T) {
	s := newStore(t)
	const foreign = "the letters of grandmother\n"
	if err := os.WriteFile(s.File, []byte(foreign), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s.Logger = slog.New(slog.NewTextHandler(&log, nil))
	for range 10 {
		s.Find(newToken())
	}
	if n := strings.Count(log.String(), "not a file of sessions"); n != 1 {
		t.Errorf("10 requests are %d lines in the log", n)
	}
	if err := s.Load(); !errors.Is(err, errForeign) {
		t.Errorf("Load: %v", err)
	}
	if _, _, err := s.Begin("alice", password, addr, ""); !errors.Is(err, errForeign) {
		t.Errorf("Begin: %v", err)
	}
	if content, err := os.ReadFile(s.File); string(content) != foreign || err != nil {
		t.Errorf("the file is %q, %v", content, err)
	}
}

// Parsing and rendering are inverse.
func FuzzParse(f *testing.F) {
	s := new(Store)
	_, _, _ = s.Begin("alice", password, addr, "agent")
	valid, err := render(s.entries)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add([]byte(heading + "0 {}\n\n"))
	f.Add([]byte(`cbf43926 123456789`))
	f.Fuzz(func(t *testing.T, content []byte) {
		all, damaged, err := parse(content)
		if err != nil {
			return
		}
		rendered, err := render(all)
		if err != nil {
			t.Fatal(err)
		}
		again, none, err := parse(rendered)
		if err != nil || none > 0 || len(again) != len(all) {
			t.Errorf("%d sessions and %d damaged lines became %d and %d, %v", len(all), damaged, len(again), none, err)
		}
	})
}
