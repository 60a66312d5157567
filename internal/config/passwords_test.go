package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/account"
	"sluice/internal/config"
)

// apr1 is a hash of the password "secret" by htpasswd -m.
const apr1 = "$apr1$6iyJ4mjW$eNzBLXej9l28IeAiDlNkH."

// withPasswords returns a configuration with a file of passwords and one of settings.
func withPasswords(t *testing.T, passwords, settings string) (config.Config, error) {
	t.Helper()
	c := config.Default()
	c.UsersFile = filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(c.UsersFile, []byte(passwords), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := config.ParseFile("f.toml", []byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	c.File, c.Users = file.Name, file.Users
	return c, c.ReadPasswords(os.Open)
}

func TestUsersOfAFileOfPasswordsHaveTheAttributesOfTheirTables(t *testing.T) {
	c, err := withPasswords(t, "alice:"+apr1+"\nbob:"+apr1, "[user.alice]\nhome = '/a'\nrights = ['list']\nmax-sessions = 2\n[user.carol]\nhome = '/c'")
	if err != nil {
		t.Fatal(err)
	}
	c.Write = true
	users, err := c.NewUsers()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]account.Account{
		"alice": {Name: "alice", Rights: account.List, Home: "/a", MaxSessions: 2},
		"bob":   {Name: "bob", Rights: account.All},
		"carol": {},
	} {
		got, err := users.LogIn(t.Context(), account.Attempt{Name: name, Password: "secret"})
		want.PasswordID = got.PasswordID
		if got != want || (err == nil) != (want.Name != "") {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, want)
		}
	}
	if got := c.CannotLogIn(); len(got) != 1 || got[0] != "carol" {
		t.Errorf("users without a password: %q, want carol", got)
	}
}

func TestAPasswordInBothFilesIsAnError(t *testing.T) {
	c, err := withPasswords(t, "bob:"+apr1+"\nalice:"+apr1, "[user.alice]\npassword = '"+hash+"'")
	if err != nil {
		t.Fatal(err)
	}
	want := c.UsersFile + ":2: user alice has a password here and in [user.alice] of f.toml; remove one of them"
	if _, err := c.NewUsers(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	c.Users, c.Logins = nil, []config.Login{{Name: "bob", Password: "x"}}
	want = c.UsersFile + ":1: user bob is given twice; see --user"
	if _, err := c.NewUsers(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestErrorsInAFileOfPasswordsSayWhereAndWhatToDo(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain text", "# x\nbob:tops3cret", ":2: the password of bob: it is no hash of a password but plain text, or a hash of an unknown kind; make another by \"sluice user passwd bob --users "},
		{"DES", "bob:8O55hWMX0lLdY", ":1: the password of bob: it is a DES hash of crypt(3), which is easily guessed, or plain text; make another by \"sluice user passwd bob --users "},
		{"no colon", "tops3cret", ":1: it is not NAME:HASH; lines are made by \"sluice user add NAME --users "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := withPasswords(t, tt.in, "")
			if err == nil || !strings.HasPrefix(err.Error(), c.UsersFile+tt.want) || !errors.As(err, new(*config.FileError)) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if strings.Contains(err.Error(), "tops3cret") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
	c := config.Config{UsersFile: filepath.Join(t.TempDir(), "none")}
	if err := c.ReadPasswords(os.Open); err == nil || !strings.Contains(err.Error(), "none: it does not exist; ") {
		t.Errorf("a missing file: got %v", err)
	}
}

func TestAUserWithoutAPasswordNeedsAFileOfPasswords(t *testing.T) {
	f, err := config.ParseFile("f.toml", []byte("[user.bob]\npassword = '"+hash+"'\n[user.alice]\nhome = '/'\n[user.carol]\nhome = '/'\n[user.anonymous]"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `f.toml:3: user.alice: the user has no password; make one with "sluice passwd", or name a file of passwords by --users`
	if f.Incomplete == nil || f.Incomplete.Error() != want {
		t.Errorf("got %v, want %s", f.Incomplete, want)
	}
}
