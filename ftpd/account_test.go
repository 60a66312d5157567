package ftpd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/account"
)

func TestAccountsHaveRightsAHomeAndSessions(t *testing.T) {
	s := startAs(t, func(a *access) {
		for _, user := range []account.Account{
			{Name: "reader", Rights: account.ReadOnly},
			{Name: "blind", Rights: account.Create},
			{Name: "nobody"},
			{Name: "dropper", Rights: account.List | account.Create, Home: "/in"},
			{Name: "single", Rights: account.All, MaxSessions: 1},
			{Name: "homeless", Rights: account.All, Home: "/none"},
		} {
			if err := a.users.AddAccount(user, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}, nil)
	if err := os.Mkdir(filepath.Join(s.dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.file("f", 10)
	as := func(name string, code int) *client {
		t.Helper()
		c := s.dial()
		c.want(331, "USER "+name)
		c.want(code, "PASS x")
		return c
	}

	reader := as("reader", 230)
	reader.want(213, "SIZE f")
	for line, right := range map[string]string{"DELE f": "delete", "MKD d": "create", "STOR new": "create", "APPE f": "create", "MFMT 20200101000000 f": "change"} {
		if strings.HasPrefix(line, "STOR") || strings.HasPrefix(line, "APPE") {
			reader.passive(epsv)
		}
		if got, want := reader.want(550, line), fmt.Sprintf("550 Permission denied: this needs the right %q", right); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}

	for _, name := range []string{"blind", "nobody"} {
		c := as(name, 230)
		for _, line := range []string{"SIZE f", "MDTM f", "MLST f", "HASH f"} {
			if got := c.want(550, line); got != "550 Permission denied" {
				t.Errorf("%s: %s: %q", name, line, got)
			}
		}
		for _, line := range []string{"LIST", "RETR f"} {
			if name == "blind" && line == "LIST" {
				continue // a drop box is listed, without its files
			}
			c.passive(epsv)
			if got := c.want(550, line); got != "550 Permission denied" {
				t.Errorf("%s: %s: %q", name, line, got)
			}
		}
	}

	dropper := as("dropper", 230)
	dropper.want(550, "SIZE /f")
	dropper.want(550, "SIZE ../f")
	up := dropper.data(epsv, "STOR new")
	_, _ = up.Write([]byte("hello"))
	_ = up.Close()
	dropper.expect(226, "STOR new")
	if got := s.content("in/new"); got != "hello" {
		t.Errorf("got %q in the home, want hello", got)
	}
	dropper.want(550, "XCRC new")
	dropper.want(220, "REIN")
	dropper.want(530, "SIZE new")

	single := as("single", 230)
	as("single", 530).want(331, "USER u") // the first session of the user goes on
	single.want(331, "USER reader")       // ends the first session's login
	as("single", 230)

	as("homeless", 530)
}

func TestWithoutTheRightChangeNothingIsReplaced(t *testing.T) {
	s := startAs(t, func(a *access) {
		for _, user := range []account.Account{
			{Name: "creator", Rights: account.Create | account.List},
			{Name: "renamer", Rights: account.Rename},
			{Name: "editor", Rights: account.Rename | account.Change},
		} {
			if err := a.users.AddAccount(user, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}, nil)
	s.file("f", 10)
	s.file("g", 20)
	as := func(name string) *client {
		t.Helper()
		c := s.dial()
		c.want(331, "USER "+name)
		c.want(230, "PASS x")
		return c
	}

	creator, other := as("creator"), s.login()
	late := creator.data(epsv, "STOR h")
	other.put(epsv, "STOR h", strings.NewReader("first"))
	_, _ = late.Write([]byte("second"))
	_ = late.Close()
	creator.expect(553, "STOR of a name that did not exist at its start")
	if got := s.content("h"); got != "first" {
		t.Errorf("the other user's file has %q", got)
	}

	renamer := as("renamer")
	renamer.want(350, "RNFR f")
	renamer.want(550, "RNTO g")
	renamer.want(350, "RNFR f")
	renamer.want(250, "RNTO e")
	if got := s.content("g"); len(got) != 20 {
		t.Errorf("RNTO without the right to change has replaced a file by %d bytes", len(got))
	}
	editor := as("editor")
	editor.want(350, "RNFR e")
	editor.want(250, "RNTO g")
	if got := s.names(); !slices.Equal(got, []string{"g", "h"}) {
		t.Errorf("the tree has %q", got)
	}
}

func TestAnonymousHasTheRightsAndLimitsOfItsAccount(t *testing.T) {
	s := startAs(t, func(a *access) {
		err := a.users.SetAnonymous(account.Account{Name: "anonymous", Rights: account.Read, Home: "/pub", MaxSessions: 1})
		if err != nil {
			t.Fatal(err)
		}
	}, nil)
	s.file("f", 10)
	if err := os.Mkdir(filepath.Join(s.dir, "pub"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.file("pub/g", 20)
	c := s.dial()
	c.want(331, "USER ftp")
	c.want(230, "PASS x")
	c.want(550, "SIZE /f")
	c.want(213, "SIZE /g")
	c.want(550, "DELE /g")

	other := s.dial()
	other.want(331, "USER anonymous")
	other.want(530, "PASS x")
}
