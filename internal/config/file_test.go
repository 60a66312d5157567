package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/account"
	"sluice/internal/config"
)

// hash is the hash of the password "secret".
const hash = "$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8"

func TestParseFile(t *testing.T) {
	password, err := account.ParseHash(hash)
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.ParseFile("f.toml", []byte(`# a comment
http = ":80"
max-conns = 1_000

write = true
index = ["a", "b"]
cors = []

[user.bob]
password = "`+hash+`"

[user.alice]
home = "a/../b/"
password = '`+hash+`'
rights = ["list", "read"]
max-sessions = 2
max-rate = "1MiB"
networks = ["192.168.1.5/16", "::1"]

[user.anonymous]
home = "/"
networks = ["127.0.0.1"]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.File{
		Name: "f.toml",
		Settings: []config.Setting{
			{Key: "http", Kind: config.String, Texts: []string{":80"}, Line: 2},
			{Key: "max-conns", Kind: config.Integer, Texts: []string{"1000"}, Line: 3},
			{Key: "write", Kind: config.Boolean, Texts: []string{"true"}, Line: 5},
			{Key: "index", Kind: config.List, Texts: []string{"a", "b"}, Line: 6},
			{Key: "cors", Kind: config.List, Texts: []string{}, Line: 7},
		},
		Users: []config.User{
			{Account: account.Account{Name: "bob"}, Password: password},
			{
				Account:  account.Account{Name: "alice", Rights: account.ReadOnly, Home: "/b", MaxSessions: 2, MaxRate: 1 << 20},
				Password: password, HasRights: true,
				Networks: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("::1/128")},
			},
			{Account: account.Account{Name: "anonymous"}, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b account.Hash) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseFileRefuses(t *testing.T) {
	password := "\npassword = \"" + hash + "\"\n"
	for _, tt := range []struct{ name, in, want string }{
		{"a key twice", "http = ':1'\nftp = ''\nhttp = ':2'", "f.toml:3: http: Key 'http' has already been defined."},
		{"invalid TOML", "http = ':1'\nmax-conns = [1, 2", "f.toml:2: max-conns: expected a comma"},
		{"invalid UTF-8", "\nhttp = '\xff'", "f.toml:2: http: invalid UTF-8 byte: 0xff"},
		{"a number with a fraction", "x = 1.5", "f.toml:1: x: no key has such a value; "},
		{"a date", "x = 2026-01-01", "f.toml:1: x: no key has such a value; "},
		{"a list of numbers", "\n\nx = [1]", `f.toml:3: x: the value must be a list of strings, such as ["a", "b"]`},
		{"a table", "[x]\ny = 1", "f.toml:1: x: unknown table; write users as [user.NAME]"},
		{"a list of tables", "[[x]]\ny = 1", "f.toml:1: x: unknown table; "},
		{"a key with a dot", "x.y = 1", "f.toml: x: unknown table; "},

		{"users that are not a table", "user = ['a:b']", "f.toml:1: user: write users as [user.NAME], "},
		{"a user that is not a table", "[user]\nalice = 'x'", "f.toml:2: user.alice: write it as a table, [user.alice]"},
		{"a list of users", "[[user]]\nname = 'alice'", "f.toml:1: user: write users as [user.NAME], "},
		{"a user twice", "[user.a]" + password + "[user.a]\n", "f.toml:3: user: Key 'user.a' has already been defined."},
		{"a plaintext password", "[user.alice]\npassword = 'tops3cret'", `f.toml:2: user.alice.password: it is no hash of a password but plain text, or a hash of an unknown kind; make one with "sluice passwd"`},
		{"a password without quotes", "[user.alice]\npassword = tops3cret", "f.toml:2: user.alice.password: the value is not a string; write a hash in quotes"},
		{"a password that is a number", "[user.alice]\npassword = 12345", "f.toml:2: user.alice.password: it is no hash"},
		{"a truncated hash", "[user.alice]\npassword = '" + hash[:60] + "'", "f.toml:2: user.alice.password: the hash is cut short"},
		{"an unknown key of a user", "[user.alice]\nhmoe = '/'", "f.toml:2: user.alice.hmoe: unknown key; the keys of a user are password, home, rights"},
		{"a key of the server in the table of a user", "[user.alice]" + password + "max-conns = 5", "f.toml:3: user.alice.max-conns: unknown key; the keys of a user are password, "},
		{"a home that is not a string", "[user.alice]" + password + "home = 5", "f.toml:3: user.alice.home: write it as a path"},
		{"an empty home", "[user.alice]" + password + "home = ''", "f.toml:3: user.alice.home: write it as a path"},
		{"rights that are not a list", "[user.alice]" + password + "rights = 'read'", `f.toml:3: user.alice.rights: write it as a list, such as ["list", "read"]`},
		{"rights that are not strings", "[user.alice]" + password + "rights = [true]", "f.toml:3: user.alice.rights: the value must be a list of strings"},
		{"an unknown right", "[user.alice]" + password + "rights = ['write']", `f.toml:3: user.alice.rights: "write" is no right; there are list, read, `},
		{"a number of sessions that is a string", "[user.alice]" + password + "max-sessions = '2'", "f.toml:3: user.alice.max-sessions: write it as a number of sessions"},
		{"a negative number of sessions", "[user.alice]" + password + "max-sessions = -1", "f.toml:3: user.alice.max-sessions: write it as"},
		{"an invalid rate", "[user.alice]" + password + "max-rate = 'fast'", "f.toml:3: user.alice.max-rate: write it as a number of bytes per second"},
		{"a negative rate", "[user.alice]" + password + "max-rate = -1", "f.toml:3: user.alice.max-rate: write it as"},
		{"networks that are not a list", "[user.alice]" + password + "networks = '::1'", "f.toml:3: user.alice.networks: write it as a list of networks and addresses, such as"},
		{"networks that are not strings", "[user.alice]" + password + "networks = [1]", "f.toml:3: user.alice.networks: the value must be a list of strings"},
		{"no networks", "[user.alice]" + password + "networks = []", "f.toml:3: user.alice.networks: the list is empty, so that nobody could log in"},
		{"a network that is none", "[user.alice]" + password + "networks = ['::1', 'lan']", `f.toml:3: user.alice.networks: "lan" is no network; write it as`},
		{"a name that FTP cannot send", "[user.\"a:b\"]" + password, `f.toml:1: user."a:b": user name "a:b" contains a line break, NUL, slash or colon`},
		{"the other name of anonymous", "[user.ftp]" + password, `f.toml:1: user.ftp: user name "ftp" is reserved`},
		{"a password for anonymous", "[user.anonymous]" + password, "f.toml:1: user.anonymous: anonymous logs in without a password; leave it out"},
		{"rights to change for anonymous", "[user.anonymous]\nrights = ['read', 'change']", "f.toml:1: user.anonymous: user anonymous may list, read and create at most"},
		{"rights at a path to delete for anonymous", "[[user.anonymous.path]]\npath = '/in'\nrights = ['delete']", "f.toml: user.anonymous: user anonymous may list, read and create at most"},
		{"a path that is a word", "[user.alice]" + password + "path = '/in'", "f.toml:3: user.alice.path: write it as tables, each [[user.alice.path]] with"},
		{"a path that is one table", "[user.alice.path]\npath = '/in'", "f.toml:1: user.alice.path: write it as tables, each [[user.alice.path]] with"},
		{"a path without rights", "[[user.alice.path]]\npath = '/in'", `f.toml:1: user.alice.path: the rights at "/in" are missing: write them as a list`},
		{"rights without a path", "[[user.alice.path]]\nrights = []", `f.toml:1: user.alice.path: a path is missing: write path = "/incoming"`},
		{"an unknown key of a path", "[[user.alice.path]]\npath = '/in'\nright = []", "f.toml:1: user.alice.path: unknown key right; the keys are path and rights"},
		{"a relative path", "[[user.alice.path]]\npath = 'in'\nrights = []", `f.toml:1: user.alice.path: the path "in" is not absolute and clean; write it as "/in"`},
		{"a path that ends in a slash", "[[user.alice.path]]\npath = '/in/'\nrights = []", `f.toml:1: user.alice.path: the path "/in/" is not absolute and clean; write it as "/in"`},
		{"a path that leads out", "[[user.alice.path]]\npath = '/../in'\nrights = []", `f.toml:1: user.alice.path: the path "/../in" is not absolute and clean; write it as "/in"`},
		{"the root as a path", "[[user.alice.path]]\npath = '/'\nrights = []", "f.toml:1: user.alice.path: the rights at / are those of the user"},
		{"a path twice", "[[user.alice.path]]\npath = '/in'\nrights = []\n[[user.alice.path]]\npath = '/in'\nrights = ['read']", `f.toml:4: user.alice.path: the path "/in" is given twice`},
		{"an unknown right at a path", "[[user.alice.path]]\npath = '/in'\nrights = ['write']", `f.toml:1: user.alice.path: "write" is no right; there are list, read, `},
		{"the right to see others at a path", "[[user.alice.path]]\npath = '/in'\nrights = ['who']", `f.toml:1: user.alice.path: the right "who" is for a whole server`},
		{"links at a path", "[[user.alice.path]]\npath = '/in'\nrights = ['link']", `f.toml:1: user.alice.path: the right "link" and rights by path exclude each other`},
		{"links next to a path", "[user.alice]" + password + "rights = ['link']\n[[user.alice.path]]\npath = '/in'\nrights = []", `f.toml:3: user.alice.rights: the right "link" and rights by path exclude each other`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := config.ParseFile("f.toml", []byte(tt.in))
			if f != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("got %+v, %v, want the error %s", f, err, tt.want)
			}
			if !errors.As(err, new(*config.FileError)) {
				t.Errorf("the error is a %T, want a FileError", err)
			}
			if strings.Contains(err.Error(), "tops3cret") || strings.Contains(err.Error(), "12345") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

// A scan of the whole file for each user would be slow with thousands of users.
func TestParsingCostIsLinearInTheUsers(t *testing.T) {
	parse := func(users int) (allocated uint64) {
		t.Helper()
		var text strings.Builder
		for i := range users {
			fmt.Fprintf(&text, "[user.u%d]\npassword = '%s'\nhome = '/u'\n", i, hash)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := config.ParseFile("f.toml", []byte(text.String()))
		runtime.ReadMemStats(&after)
		if err != nil || len(f.Users) != users {
			t.Fatalf("got %v, want %d users", err, users)
		}
		for i, u := range f.Users {
			if want := fmt.Sprint("u", i); u.Account.Name != want {
				t.Fatalf("user %d is %s, want %s", i, u.Account.Name, want)
			}
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := parse(300), parse(3000)
	if many > 20*few {
		t.Errorf("ten times as many users took %d times as many bytes", many/few)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f.toml")
	if _, err := config.ReadFile(os.Open, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := config.ReadFile(os.Open, dir); err == nil {
		t.Error("a directory was read")
	}
	if err := os.WriteFile(name, []byte("http = ''"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := config.ReadFile(os.Open, name); err != nil || f.Name != name || len(f.Settings) != 1 {
		t.Errorf("got %+v, %v, want one setting of %s", f, err, name)
	}
	if err := os.Truncate(name, 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := config.ReadFile(os.Open, name); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a file of a gigabyte: %v, want an error that it is too large", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"http", "https", "ftp", "max-conns", "max-conns-per-addr"}
	for name, want := range map[string]string{
		"htp": "http", "httpss": "https", "max-conn": "max-conns", "maxconns": "max-conns", "max_conns": "max-conns",
		"max-conns-per-address": "max-conns-per-addr", "bandwidth": "", "": "", "x": "", "ftp": "ftp",
	} {
		if got := config.Nearest(name, names); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("http = ':80'\nindex = ['a']\n[user.alice]\npassword = '" + hash + "'\nhome = '/a'")
	f.Add("user.a.b.c = 1\n[[user]]\n")
	f.Add("[user]\n\"\" = {password = {}}")
	f.Fuzz(func(t *testing.T, content string) {
		file, err := config.ParseFile("f", []byte(content))
		if err != nil {
			var at *config.FileError
			if !errors.As(err, &at) || at.File != "f" || at.Line > strings.Count(content, "\n")+1 {
				t.Fatalf("got the error %#v", err)
			}
			return
		}
		var users account.Users
		for _, u := range file.Users {
			if u.Account.Name == account.Anonymous {
				err = users.SetAnonymous(u.Account)
			} else {
				err = users.AddHash(u.Account, u.Password)
			}
			if err != nil {
				t.Errorf("%+v cannot be added: %v", u, err)
			}
		}
		for _, s := range file.Settings {
			if s.Line < 1 || s.Kind != config.List && len(s.Texts) != 1 {
				t.Errorf("got %+v", s)
			}
		}
	})
}
