package config_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/config"
)

func TestParseLogin(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     config.Login
		wantErr  string
	}{
		{"name and password", "alice:secret", config.Login{Name: "alice", Password: "secret"}, ""},
		{"a password with colons", "alice:a:b:c", config.Login{Name: "alice", Password: "a:b:c"}, ""},
		{"no name", ":secret", config.Login{}, "name is empty"},
		{"no password", "alice:", config.Login{}, "password of alice"},
		{"nothing", "", config.Login{}, "name is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := config.ParseLogin(tt.in)
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if tt.wantErr == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error %q shows a password", err)
			}
		})
	}
}

func TestANameWithoutAPasswordGetsOne(t *testing.T) {
	a, err1 := config.ParseLogin("alice")
	b, err2 := config.ParseLogin("alice")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	isPassword := regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`).MatchString
	if a.Name != "alice" || !a.MadeUp || !isPassword(a.Password) || a.Password == b.Password {
		t.Errorf("got %q, made up: %v, and then %q", a.Password, a.MadeUp, b.Password)
	}
}

func TestLoginsFrom(t *testing.T) {
	got, err := config.LoginsFrom([]string{"HOME=/", "SLUICE_USER_bob=b=b", "SLUICE_USER_alice=secret", "sluice_user_carol=x", "SLUICE_USERS=x"})
	want := []config.Login{{Name: "alice", Password: "secret"}, {Name: "bob", Password: "b=b"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for variable, want := range map[string]string{
		"SLUICE_USER_=x":     "lacks a user name",
		"SLUICE_USER_alice=": "SLUICE_USER_alice holds no password",
	} {
		if _, err := config.LoginsFrom([]string{variable}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", variable, err, want)
		}
	}
}

func TestALoginPrintsWithoutItsPassword(t *testing.T) {
	if got := (config.Login{Name: "alice", Password: "secret"}).String(); got != "alice:***" {
		t.Errorf("got %s", got)
	}
}
