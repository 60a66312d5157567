package config_test

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/account"
	"sluice/internal/config"
)

func TestAnswersOfAProgram(t *testing.T) {
	reading := config.Default()
	writing := config.Default()
	writing.Write = true
	bounded := config.Default()
	bounded.Quota = config.QuotaOptions{Bytes: 10, Files: 20}
	for _, tt := range []struct {
		name   string
		conf   config.Config
		answer string
		want   account.Account
		ok     bool
		err    string
	}{
		{"right", reading, `{"ok":true}`, account.Account{Rights: account.ReadOnly}, true, ""},
		{"wrong", reading, `{"ok":false}` + "\n", account.Account{}, false, ""},
		{"wrong, with more", reading, `{"ok":false,"home":"/x","name":"y"}`, account.Account{}, false, ""},
		{"all keys", writing, `{"ok":true,"name":"alice","home":"a/../b","rights":["list","create"],"max-sessions":2,"max-rate":"1MiB"}`,
			account.Account{Name: "alice", Home: "/b", Rights: account.List | account.Create, MaxSessions: 2, MaxRate: 1 << 20}, true, ""},
		{"a number", reading, "\n {\"max-rate\" : 1500, \"ok\":true}\r\n\n", account.Account{Rights: account.ReadOnly, MaxRate: 1500}, true, ""},
		{"all rights, by --write", writing, `{"ok":true}`, account.Account{Rights: account.All}, true, ""},
		{"rights to write without --write", reading, `{"ok":true,"rights":["all","who"]}`, account.Account{Rights: account.ReadOnly | account.Who}, true, ""},
		{"no rights", writing, `{"ok":true,"rights":[]}`, account.Account{}, true, ""},

		{"nothing", reading, "", account.Account{}, false, "(0 bytes) is no JSON object"},
		{"garbage", reading, "secret\n", account.Account{}, false, "(7 bytes) is no JSON object"},
		{"a list", reading, `[true]`, account.Account{}, false, "is no JSON object"},
		{"null", reading, `null`, account.Account{}, false, "is no JSON object"},
		{"true", reading, `true`, account.Account{}, false, "is no JSON object"},
		{"a cut object", reading, `{"ok":true`, account.Account{}, false, "is no JSON object"},
		{"two objects", reading, `{"ok":true}` + "\n" + `{"ok":false}`, account.Account{}, false, "more than one"},
		{"a line behind it", reading, `{"ok":true}` + "\nsecret", account.Account{}, false, "more than one"},
		{"no ok", reading, `{"home":"/a"}`, account.Account{}, false, `lacks "ok"`},
		{"ok as text", reading, `{"ok":"true"}`, account.Account{}, false, `lacks "ok"`},
		{"OK", reading, `{"OK":true}`, account.Account{}, false, `lacks "ok"`},
		{"an unknown key", reading, `{"ok":true,"maxrate":1}`, account.Account{}, false, `unknown key "maxrate"`},
		{"an unknown key of a wrong password", reading, `{"ok":false,"maxrate":1}`, account.Account{}, false, `unknown key "maxrate"`},
		{"a password", reading, `{"ok":true,"password":"secret"}`, account.Account{}, false, `unknown key "password"`},
		{"networks that are none", reading, `{"ok":true,"networks":["x"]}`, account.Account{}, false, `"x" is no network`},
		{"no networks", reading, `{"ok":true,"networks":[]}`, account.Account{}, false, "the list is empty"},
		{"a path that is no list", reading, `{"ok":true,"path":{"path":"/in","rights":[]}}`, account.Account{}, false, "as a list"},
		{"a path that is no object", reading, `{"ok":true,"path":["/in"]}`, account.Account{}, false, "a path is missing"},
		{"a path without rights", reading, `{"ok":true,"path":[{"path":"/in"}]}`, account.Account{}, false, "are missing"},
		{"a path twice", reading, `{"ok":true,"path":[{"path":"/in","rights":[]},{"path":"/in","rights":[]}]}`, account.Account{}, false, "twice"},
		{"an unknown key of a path", reading, `{"ok":true,"path":[{"path":"/in","rights":[],"x":1}]}`, account.Account{}, false, "unknown key x"},
		{"links and a path", writing, `{"ok":true,"rights":["read","link"],"path":[{"path":"/in","rights":[]}]}`, account.Account{}, false, "exclude each other"},
		{"a path", writing, `{"ok":true,"path":[{"path":"/in","rights":["create"]},{"path":"/secret","rights":[]}]}`,
			account.Account{Rights: account.All, Paths: pathsOf(t, account.PathRights{Path: "/in", Rights: account.Create}, account.PathRights{Path: "/secret"})}, true, ""},
		{"a path to write at without --write", reading, `{"ok":true,"path":[{"path":"/in","rights":["create","read"]}]}`,
			account.Account{Rights: account.ReadOnly, Paths: pathsOf(t, account.PathRights{Path: "/in", Rights: account.Read})}, true, ""},
		{"quotas for all", bounded, `{"ok":true}`, account.Account{Rights: account.ReadOnly, Quota: account.Quota{Bytes: 10, Files: 20}}, true, ""},
		{"quotas of its own", bounded, `{"ok":true,"quota":"1KiB","quota-files":0}`, account.Account{Rights: account.ReadOnly, Quota: account.Quota{Bytes: 1024}}, true, ""},
		{"an unknown right", reading, `{"ok":true,"rights":["fly"]}`, account.Account{}, false, `"fly" is no right`},
		{"rights as text", reading, `{"ok":true,"rights":"all"}`, account.Account{}, false, "as a list"},
		{"a home that is a number", reading, `{"ok":true,"home":7}`, account.Account{}, false, "as a path"},
		{"a negative number", reading, `{"ok":true,"max-sessions":-1}`, account.Account{}, false, "max-sessions"},
		{"a fraction", reading, `{"ok":true,"max-sessions":1.5}`, account.Account{}, false, "no whole number"},
		{"a huge number", reading, `{"ok":true,"max-rate":99999999999999999999}`, account.Account{}, false, "no whole number"},
		{"a name that is a number", reading, `{"ok":true,"name":1}`, account.Account{}, false, `"name"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok, err := tt.conf.ParseAnswer([]byte(tt.answer))
			if !reflect.DeepEqual(got.Account, tt.want) && err == nil || ok != tt.ok {
				t.Errorf("got %+v, %v, want %+v, %v", got, ok, tt.want, tt.ok)
			}
			switch {
			case tt.err == "" && err != nil, tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got the error %v, want %q", err, tt.err)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("the error repeats the answer: %v", err)
			}
		})
	}
}

func pathsOf(t *testing.T, all ...account.PathRights) *account.Paths {
	t.Helper()
	paths, err := account.NewPaths(all...)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestAnAnswerMayHaveNetworks(t *testing.T) {
	u, ok, err := config.Default().ParseAnswer([]byte(`{"ok":true,"networks":["10.0.0.0/8","::1"]}`))
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	if err != nil || !ok || !slices.Equal(u.Networks, want) {
		t.Errorf("got %v, %v, %v, want %v", u.Networks, ok, err, want)
	}
}

func FuzzParseAnswer(f *testing.F) {
	conf := config.Default()
	f.Add(`{"ok":true,"home":"/a","rights":["list"],"max-rate":"1MiB","max-sessions":3,"name":"b"}`)
	f.Add(`{"ok":true,"networks":["::1"],"path":[{"path":"/in","rights":["create"]}]}`)
	f.Add(`{"ok":false} {`)
	f.Fuzz(func(t *testing.T, answer string) {
		u, ok, err := conf.ParseAnswer([]byte(answer))
		a := u.Account
		if err != nil && ok || !ok && !reflect.DeepEqual(a, account.Account{}) && err == nil {
			t.Errorf("got %+v, %v, %v", a, ok, err)
		}
		if ok && (a.Paths.Union(a.Rights)&^(account.ReadOnly|account.Who) != 0 || a.Home != "" && a.Home[0] != '/') {
			t.Errorf("got %+v", a)
		}
	})
}

func TestSettingsOfAProgram(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*config.AuthProgram)
		want string // of the error; "": none
	}{
		{"a program", func(*config.AuthProgram) {}, ""},
		{"no cache", func(p *config.AuthProgram) { p.Cache = 0 }, ""},
		{"a negative cache", func(p *config.AuthProgram) { p.Cache = -1 }, "--auth-cache -1ns is negative"},
		{"no time", func(p *config.AuthProgram) { p.Timeout = 0 }, "--auth-timeout 0s is not above zero"},
		{"too much time", func(p *config.AuthProgram) { p.Timeout = time.Hour }, "--auth-timeout 1h0m0s is longer than 1m0s"},
		{"arguments of no program", func(p *config.AuthProgram) { p.Path, p.Args = "", []string{"x"} }, "--auth-program names no program"},
		{"the time of no program", func(p *config.AuthProgram) { p.Path, p.Timeout = "", time.Second }, "--auth-program names no program"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config.Default()
			c.AuthProgram.Path = "/x"
			tt.set(&c.AuthProgram)
			if err := c.Check(); (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
