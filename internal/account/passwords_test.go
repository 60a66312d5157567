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

func TestEditingAFileOfPasswordsKeepsOtherLines(t *testing.T) {
	h, err := account.ParseHash(ofHtpasswd["apr1"])
	if err != nil {
		t.Fatal(err)
	}
	const text = ":$apr1$6iyJ4mjW$eNzBLXej9l28IeAiDlNkH."
	const before = "# first\r\nalice:old:comment\r\n\nbad line\nbob:old\n#bob:old\ncarol:old"
	add := func(name string) func(string) ([]byte, error) {
		return func(content string) ([]byte, error) { return account.AddPassword([]byte(content), name, h) }
	}
	change := func(name string) func(string) ([]byte, error) {
		return func(content string) ([]byte, error) { return account.ChangePassword([]byte(content), name, h) }
	}
	remove := func(name string) func(string) ([]byte, error) {
		return func(content string) ([]byte, error) { return account.RemovePassword([]byte(content), name) }
	}
	for _, tt := range []struct {
		name    string
		edit    func(string) ([]byte, error)
		content string
		want    string
		wantErr string
	}{
		{"the first user", add("alice"), "", "alice" + text + "\n", ""},
		{"a further user", add("dave"), before, before + "\ndave" + text + "\n", ""},
		{"an existing user", add("alice"), before, "", "exists already"},
		{"a name that is a comment", add("#bob"), before, "", "begins with #"},
		{"a name that no client can send", add("a:b"), before, "", "colon"},
		{"a name of guests", add("anonymous"), before, "", "reserved"},
		{"no name", add(""), before, "", "needs a name"},
		{"a password with a comment", change("alice"), before, strings.Replace(before, "alice:old", "alice"+text, 1), ""},
		{"a password", change("bob"), before, strings.Replace(before, "\nbob:old", "\nbob"+text, 1), ""},
		{"a password in the last line", change("carol"), before, strings.Replace(before, "carol:old", "carol"+text, 1), ""},
		{"a password of nobody", change("dave"), before, "", "no such user"},
		{"a user to remove", remove("bob"), before, strings.Replace(before, "\nbob:old", "", 1), ""},
		{"the last user to remove", remove("carol"), before, strings.Replace(before, "carol:old", "", 1), ""},
		{"a user who is twice there", remove("x"), "x:1\ny:2\nx:3\n", "y:2\n", ""},
		{"nobody to remove", remove("dave"), before, "", "no such user"},
		{"a line without a name to remove", remove(""), before, "", "no such user"},
		{"the name of a comment to remove", remove("#bob"), before, "", "no such user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.edit(tt.content)
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("got %v, want %q", err, tt.wantErr)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
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
