package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/config"
)

func TestReloadComparesWithTheStart(t *testing.T) {
	c := newCommandLine(t, "http = ':1'\nftp = ':3'\nindex = ['a']\n"+aliceTable, "--max-conns", "5")
	started, err := c.load(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"no change", "http = ':1'\nftp = ':3'\nindex = ['a']\n", nil},
		{"an address", "http = ':2'\nftp = ':3'\nindex = ['a']\n", []string{"http"}},
		{"the same address again", "http = ':2'\nftp = ':3'\nindex = ['a']\n", []string{"http"}},
		{"a removed key", "http = ':1'\nftp = ':3'\n", []string{"index"}},
		{"two lists", "http = ':1'\nftp = ':3'\nindex = ['b']\nproxy-from = ['::1']\n", []string{"index", "proxy-from"}},
		{"the root", "http = ':1'\nftp = ':3'\nindex = ['a']\nroot = 'x'\n", []string{"root"}},
		{"a key that the command line overrides", "http = ':1'\nftp = ':3'\nindex = ['a']\nmax-conns = 7\n", nil},
		{"a certificate", "http = ':1'\nftp = ':3'\nindex = ['a']\ntls-self-signed = true\n", []string{"tls-self-signed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rewrite(t, c.file, tt.file+aliceTable)
			loaded, err := c.loader(started)(nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, loaded.Changed); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(loaded.Config.Users) != 1 {
				t.Errorf("got the users %v, want alice", loaded.Config.Users)
			}
		})
	}
}

func TestReloadRefusesAWrongFile(t *testing.T) {
	c := newCommandLine(t, aliceTable)
	started, err := c.load(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, file, want string }{
		{"an empty file, which is perhaps being written", "", "f.toml: the file is empty"},
		{"invalid TOML", aliceTable + "[[", "f.toml:3:"},
		{"an unknown key", "x = 1\n" + aliceTable, "f.toml:1: x: unknown key"},
		{"an invalid value", "method = 'x'\n" + aliceTable, "f.toml:1: method: "},
		{"an invalid value of a former name", "road = 'x'\n" + aliceTable, "f.toml:1: road: "},
		{"a user twice", aliceTable + aliceTable, "f.toml:3:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rewrite(t, c.file, tt.file)
			if _, err := c.loader(started)(nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if err := os.Remove(c.file); err != nil {
		t.Fatal(err)
	}
	if _, err := c.loader(started)(nil); !errors.As(err, new(*config.FileError)) {
		t.Errorf("without the file: got %v, want a FileError", err)
	}
}

func TestErrorsOfTheServerAreLocatedInTheFile(t *testing.T) {
	c := newCommandLine(t, "header = ['x']\n"+aliceTable, "--http", "8080")
	s, err := c.load(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ err, want string }{
		{`--header "x": no`, `f.toml:1: header: "x": no`},
		{`--http "8080" is not an address`, `--http "8080" is not an address`},
		{"no flag", "no flag"},
	} {
		if got := c.locate(s.file, errors.New(tt.err)).Error(); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.err, got, tt.want)
		}
	}
}
