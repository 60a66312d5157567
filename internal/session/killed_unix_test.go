//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package session

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// killed is the variable by which the test runs itself as a child.
const killed = "SLUICE_TEST_SESSIONS"

func TestMain(m *testing.M) {
	if name := os.Getenv(killed); name != "" {
		beginForEver(&Store{File: name})
	}
	os.Exit(m.Run())
}

// beginForEver begins and ends sessions, and prints each token that was begun.
func beginForEver(s *Store) {
	for i := 0; ; i++ {
		token, _, err := s.Begin(fmt.Sprint("user ", i), password, addr, "")
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(token)
	}
}

// Whenever the process is killed, every session that it has announced is there, and the
// file is whole. (Package userfile is killed at each of its steps.)
func TestAnnouncedSessionsSurviveAKill(t *testing.T) {
	s := newStore(t)
	for round := range 15 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), killed+"="+s.File)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var tokens []string
		for lines := bufio.NewScanner(out); lines.Scan(); {
			tokens = append(tokens, lines.Text())
			if len(tokens) == round+1 {
				_ = child.Process.Kill() // while the next one is being written; more lines may be in the pipe
			}
		}
		_ = child.Wait()
		if len(tokens) < round+1 {
			t.Fatalf("the child printed %q", tokens)
		}
		content, err := os.ReadFile(s.File)
		if err != nil {
			t.Fatal(err)
		}
		if _, damaged, err := parse(content); damaged > 0 || err != nil {
			t.Fatalf("%d lines are damaged, %v", damaged, err)
		}
		for i, token := range tokens {
			wantUser(t, s, token, fmt.Sprint("user ", i))
		}
		if _, err := s.Revoke(func(Session) bool { return true }); err != nil { // also with what the child has left
			t.Fatal(err)
		}
	}
}
