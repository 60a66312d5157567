package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/nettest"
)

// newCommandLine parses a command line. A content is written to the file of --config, in a
// directory of its own.
func newCommandLine(t *testing.T, content string, line ...string) *commandLine {
	t.Helper()
	c := &commandLine{}
	if content != "" {
		c.file = filepath.Join(nettest.TempDir(t), "f.toml")
		rewrite(t, c.file, content)
	}
	cmd := new(cobra.Command)
	unused := config.Default()
	addFlags(cmd, &unused, new([]string))
	if err := cmd.ParseFlags(line); err != nil {
		t.Fatal(err)
	}
	c.flags, c.args = cmd.Flags(), cmd.Flags().Args()
	return c
}

func rewrite(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPrecedenceOfSettings(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		line       []string
		got        func(config.Config) any
		want       any
	}{
		{"a default", "write = false", nil, func(c config.Config) any { return c.Addresses("http") }, []string{":8080"}},
		{"the file", "http = ':80'", nil, func(c config.Config) any { return c.Addresses("http") }, []string{":80"}},
		{"two addresses in the file", "http = [':80', ':81']", nil, func(c config.Config) any { return c.Addresses("http") }, []string{":80", ":81"}},
		{"two addresses on the command line", "http = ':80'", []string{"--http", ":81", "--http", ":82"}, func(c config.Config) any { return c.Addresses("http") }, []string{":81", ":82"}},
		{"the command line overrides the file", "http = ':80'", []string{"--http", ":81"}, func(c config.Config) any { return c.Addresses("http") }, []string{":81"}},
		{"the default on the command line", "http = ':80'", []string{"--http", ":8080"}, func(c config.Config) any { return c.Addresses("http") }, []string{":8080"}},
		{"no file", "", []string{"--max-conns", "5"}, func(c config.Config) any { return c.MaxConns }, 5},

		{"a list overrides the default", "index = ['a', 'b,c']", nil, func(c config.Config) any { return c.Index }, []string{"a", "b,c"}},
		{"an empty list", "index = []", nil, func(c config.Config) any { return c.Index }, []string{}},
		{"a list on the command line", "index = ['a', 'b']", []string{"--index", "c,d", "--index", "e"}, func(c config.Config) any { return c.Index }, []string{"c,d", "e"}},
		{"a parsed list", "proxy-from = ['10.0.0.0/8', '::1']", nil, func(c config.Config) any { return len(c.ProxyFrom) }, 2},
		{"a parsed list on the command line", "proxy-from = ['10.0.0.0/8', '::1']", []string{"--proxy-from", "10.1.0.0/16"}, func(c config.Config) any { return c.ProxyFrom[0].String() }, "10.1.0.0/16"},
		{"users of the command line with others in the file", "ftp-lax-tls = ['u']", []string{"--user", "a:b,c", "--user", "d:e"}, func(c config.Config) any { return c.Logins }, []config.Login{{Name: "a", Password: "b,c"}, {Name: "d", Password: "e"}}},

		{"a boolean", "write = true\n" + aliceTable, nil, func(c config.Config) any { return c.Write }, true},
		{"a boolean of the command line", "write = true\n" + aliceTable, []string{"--write=false"}, func(c config.Config) any { return c.Write }, false},
		{"a number", "max-conns = 100", nil, func(c config.Config) any { return c.MaxConns }, 100},
		{"a time", "drain = '1m30s'", nil, func(c config.Config) any { return c.Drain }, 90 * time.Second},
		{"a time of the command line", "drain = '1m30s'", []string{"--drain", "1500ms"}, func(c config.Config) any { return c.Drain }, 1500 * time.Millisecond},
		{"a size", "min-rate = '64KiB'", nil, func(c config.Config) any { return c.MinRate }, config.Bytes(65536)},
		{"a size that is a number", "min-rate = 1000", nil, func(c config.Config) any { return c.MinRate }, config.Bytes(1000)},
		{"a size of the command line", "min-rate = 1000", []string{"--min-rate", "1500"}, func(c config.Config) any { return c.MinRate }, config.Bytes(1500)},
		{"ports", "ftp-passive-ports = '50000-50100'", nil, func(c config.Config) any { return c.FTPOptions.PassivePorts }, config.PortRange{First: 50000, Last: 50100}},
		{"ports of the command line", "ftp-passive-ports = '50000-50100'", []string{"--ftp-passive-ports", "4000"}, func(c config.Config) any { return c.FTPOptions.PassivePorts }, config.PortRange{First: 4000, Last: 4000}},

		{"a key by its former name", "road = 'copy'", nil, func(c config.Config) any { return c.Method }, "copy"},
		{"event loops in the file", "loop = 'off'", nil, func(c config.Config) any { return c.WantsLoops() }, false},
		{"event loops by a flag", "loop = 'off'", []string{"--loop=auto"}, func(c config.Config) any { return c.WantsLoops() }, true},
		{"a flag by its former name", "fast-path = true", []string{"--fast-lane=false"}, func(c config.Config) any { return c.FastPath }, false},

		{"DIR", "root = '/srv'", []string{"pub"}, func(c config.Config) any { return c.Root }, "pub"},
		{"an absolute root", "root = '/srv'", nil, func(c config.Config) any { return c.Root }, "/srv"},
		{"no root", "http = ':80'", nil, func(c config.Config) any { return c.Root }, "."},
		{"a relative root", "root = 'srv'", nil, inFolder(func(c config.Config) string { return c.Root }), "srv"},
		{"a mount of a relative directory", "mount = ['/a=srv', '/b=s3://pub/x']", nil, inFolder(func(c config.Config) string { return c.Places()[1].Root }), "srv"},
		{"a mounted bucket", "mount = ['/a=srv', '/b=s3://pub/x']", nil, func(c config.Config) any { return c.Mounts[1] }, "/b=s3://pub/x"},
		{"mounts of the command line", "mount = ['/a=srv']", []string{"--mount", "/b=sub", "--mount", "/c=s3://pub"}, func(c config.Config) any { return c.Mounts }, []string{"/b=sub", "/c=s3://pub"}},
		{"a certificate", "https = ':1'\ntls-cert = ['c.pem']", nil, inFolder(func(c config.Config) string { return c.TLSCerts[0] }), "c.pem"},
		{"a certificate of the command line", "https = ':1'\ntls-cert = ['c.pem']", []string{"--tls-cert", "d.pem"}, func(c config.Config) any { return c.TLSCerts[0] }, "d.pem"},
		{"a socket", "http = 'unix:run/s'", nil, inFolder(func(c config.Config) string { return strings.TrimPrefix(c.HTTP[0], "unix:") }), "run/s"},
		{"a page, which is not a file of the host", "not-found = '404.html'", nil, func(c config.Config) any { return c.NotFound }, "404.html"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := newCommandLine(t, tt.file, tt.line...).load(nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tt.got(s.conf)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// inFolder returns a path relative to the folder of the file.
func inFolder(path func(config.Config) string) func(config.Config) any {
	return func(c config.Config) any {
		rel, err := filepath.Rel(filepath.Dir(c.File), path(c))
		if err != nil {
			return err
		}
		return filepath.ToSlash(rel)
	}
}

// aliceTable is a user with the password "secret".
const aliceTable = "[user.alice]\npassword = '$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8'\n"

func TestAccounts(t *testing.T) {
	const anonymous = "[user.anonymous]\nhome = '/pub'\n"
	for _, tt := range []struct {
		name, file string
		line       []string
		want       account.Account // of alice, by the password "secret"
	}{
		{"a user who may read", aliceTable, nil, account.Account{Rights: account.ReadOnly}},
		{"a user who may write", aliceTable, []string{"--write"}, account.Account{Rights: account.All}},
		{"a user with rights", aliceTable + "rights = ['read', 'create']", nil, account.Account{Rights: account.Read | account.Create}},
		{"a user with fewer rights than --write gives", "write = true\n" + aliceTable + "rights = ['list']", nil, account.Account{Rights: account.List}},
		{"a user without rights", aliceTable + "rights = []", nil, account.Account{}},
		{"a user with limits", aliceTable + "home = '/a'\nmax-sessions = 3\nmax-rate = 1500", nil, account.Account{Rights: account.ReadOnly, Home: "/a", MaxSessions: 3, MaxRate: 1500}},
		{"a user of the command line", anonymous, []string{"--user", "alice:secret"}, account.Account{Rights: account.ReadOnly}},
		{"a user of the command line who may write", anonymous, []string{"--user", "alice:secret", "--write"}, account.Account{Rights: account.All}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := newCommandLine(t, tt.file, tt.line...).load(nil)
			if err != nil {
				t.Fatal(err)
			}
			users, err := s.conf.NewUsers()
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Name = "alice"
			got, err := users.LogIn(t.Context(), account.Attempt{Name: "alice", Password: "secret"})
			tt.want.PasswordID = got.PasswordID
			if got != tt.want || err != nil {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
			want := account.Account{Name: "anonymous", Rights: account.ReadOnly}
			if strings.Contains(tt.file, anonymous) {
				want.Home = "/pub"
			}
			if got := users.Anonymous(); got != want {
				t.Errorf("anonymous: got %+v, want %+v", got, want)
			}
		})
	}
}

func TestUserInFileAndOnCommandLineIsAnError(t *testing.T) {
	s, err := newCommandLine(t, aliceTable, "--user", "alice:x").load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.conf.NewUsers(); err == nil || !strings.HasPrefix(err.Error(), "user alice is given twice; see [user.alice] in ") {
		t.Errorf("got %v", err)
	}
}

// A file can set a flag, and a reload notices its change, only if its value has a String
// that Set parses.
func TestFlagsCanBeKeysOfAFile(t *testing.T) {
	s, err := newCommandLine(t, "").load(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.flags.VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() == "func" {
			t.Errorf("--%s: a flag of Func has no String; use a pflag.Value", f.Name)
		}
		if placeholder, _ := pflag.UnquoteUsage(f); placeholder == "FILE" && !slices.Contains(fileKeys, f.Name) {
			t.Errorf("--%s names a FILE and is not in fileKeys", f.Name)
		}
	})
}

// Every file is accepted or refused; an accepted file has valid users.
func FuzzCombine(f *testing.F) {
	f.Add("root = 'srv'\nhttp = ':80'\nindex = ['a']\nwrite = true\nmax-conns = 5\ndrain = '1s'\nmin-rate = '1KiB'\n" + aliceTable)
	f.Add("ftp-passive-ports = '1-2'\nproxy-from = ['::1']\nftp-public-addr = ['10.0.0.0/8=10.0.0.1']\n[user.anonymous]\nhome = 'a'")
	flags := new(cobra.Command).Flags()
	f.Fuzz(func(t *testing.T, content string) {
		file, err := config.ParseFile("f", []byte(content))
		if err != nil {
			return
		}
		s, err := (&commandLine{flags: flags}).combine(file)
		if err != nil {
			return
		}
		if _, err := s.conf.NewUsers(); err != nil {
			t.Errorf("the users of the file cannot be used: %v", err)
		}
	})
}

func TestAPasswordThatWasMadeUpStaysAfterAReload(t *testing.T) {
	c := newCommandLine(t, "index = ['a.html']", "--user", "alice", "--user", "bob")
	load := func() []config.Login {
		s, err := c.load(nil)
		if err != nil {
			t.Fatal(err)
		}
		return s.conf.Logins
	}
	first := load()
	if len(first) != 2 || !first[0].MadeUp || first[0].Password == first[1].Password {
		t.Errorf("got %d logins, want two with passwords of their own", len(first))
	}
	if again := load(); !slices.Equal(again, first) {
		t.Error("a reload has changed the passwords")
	}
}
