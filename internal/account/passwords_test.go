package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/account"
)

func TestParsePasswords(t *testing.T) {
	content := "# made by htpasswd\n\nalice:" + ofHtpasswd["bcrypt"] + "\r\nbob smith:" + ofHtpasswd["apr1"] + ":a comment\n  \ncarol:" + foreign
	got, err := account.ParsePasswords([]byte(content))
	var lines []string
	for _, p := range got {
		lines = append(lines, p.Name+":"+p.Hash.String())
	}
	want := []string{"alice:" + ofHtpasswd["bcrypt"], "bob smith:" + ofHtpasswd["apr1"], "carol:" + foreign}
	if diff := cmp.Diff(want, lines); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if got[0].Line != 3 || got[2].Line != 6 {
		t.Errorf("got the lines %d and %d, want 3 and 6", got[0].Line, got[2].Line)
	}
}

func TestParsePasswordsRefuses(t *testing.T) {
	good := "alice:" + ofHtpasswd["apr1"] + "\n"
	for _, tt := range []struct {
		name, in string
		line     int
		user     string
		want     string
	}{
		{"plain text", good + "bob:tops3cret\n", 2, "bob", "the password of bob: it is no hash of a password but plain text"},
		{"DES", "bob:8O55hWMX0lLdY", 1, "bob", "the password of bob: it is a DES hash of crypt(3)"},
		{"a hash that is cut short", "bob:$apr1$x$y", 1, "bob", "the password of bob: the hash is cut short"},
		{"no hash", good + "#\nbob:", 3, "bob", "the password of bob: it is no hash"},
		{"no colon", "tops3cret", 1, "", "it is not NAME:HASH"},
		{"no name", good + ":tops3cret", 2, "", "it is not NAME:HASH"},
		{"a name twice", good + good, 2, "alice", "user alice is in line 1 too; remove one of them"},
		{"a name that no client can send", "a/b:" + ofHtpasswd["apr1"], 1, "a/b", "slash"},
		{"a name of guests", "ftp:" + ofHtpasswd["apr1"], 1, "ftp", "reserved"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := account.ParsePasswords([]byte(tt.in))
			var at *account.PasswordsError
			if all != nil || !errors.As(err, &at) || at.Line != tt.line || at.User != tt.user || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, %v, want line %d: %s", all, err, tt.line, tt.want)
			}
			if strings.Contains(err.Error(), "tops3cret") {
				t.Errorf("the error shows what may be a password: %v", err)
			}
		})
	}
}

// An accepted file names each user once, with a hash.
func FuzzParsePasswords(f *testing.F) {
	f.Add("# comment\nalice:" + foreign + "\nbob:" + ofHtpasswd["bcrypt"] + ":x\n")
	f.Add("alice:secret")
	f.Fuzz(func(t *testing.T, content string) {
		all, err := account.ParsePasswords([]byte(content))
		if err != nil {
			return
		}
		var users account.Users
		for _, p := range all {
			if err := users.AddHash(account.Account{Name: p.Name}, p.Hash); err != nil || p.Hash == (account.Hash{}) {
				t.Errorf("line %d: %v, %v", p.Line, p.Hash, err)
			}
		}
	})
}
