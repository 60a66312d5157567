package config_test

import (
	"reflect"
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
		{"networks", reading, `{"ok":true,"networks":["::1"]}`, account.Account{}, false, `unknown key "networks"`},
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
			if !reflect.DeepEqual(got, tt.want) && err == nil || ok != tt.ok {
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

func FuzzParseAnswer(f *testing.F) {
	conf := config.Default()
	f.Add(`{"ok":true,"home":"/a","rights":["list"],"max-rate":"1MiB","max-sessions":3,"name":"b"}`)
	f.Add(`{"ok":false} {`)
	f.Fuzz(func(t *testing.T, answer string) {
		a, ok, err := conf.ParseAnswer([]byte(answer))
		if err != nil && ok || !ok && !reflect.DeepEqual(a, account.Account{}) && err == nil {
			t.Errorf("got %+v, %v, %v", a, ok, err)
		}
		if ok && (a.Rights&^(account.ReadOnly|account.Who) != 0 || a.Home != "" && a.Home[0] != '/') {
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
