package account_test

import (
	"strings"
	"testing"

	"sluice/internal/account"
)

func TestRights(t *testing.T) {
	for _, tt := range []struct {
		name      string
		has, asks account.Rights
		want      bool
	}{
		{"one of all", account.All, account.Delete, true},
		{"two of all", account.All, account.Delete | account.Rename, true},
		{"one that is there", account.ReadOnly, account.Read, true},
		{"one that is not there", account.ReadOnly, account.Create, false},
		{"two, of which one is not there", account.ReadOnly, account.Read | account.Delete, false},
		{"of nothing", 0, account.List, false},
		{"none", 0, 0, true},
		{"who is connected, which is not about files", account.All, account.Who, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.has.Has(tt.asks); got != tt.want {
				t.Errorf("%b.Has(%b) = %v, want %v", tt.has, tt.asks, got, tt.want)
			}
		})
	}
}

func TestParseRights(t *testing.T) {
	for _, tt := range []struct {
		name    string
		words   []string
		want    account.Rights
		wantErr string
	}{
		{"no words are no rights", nil, 0, ""},
		{"some words", []string{"list", "read", "create"}, account.ReadOnly | account.Create, ""},
		{"every word", []string{"list", "read", "create", "change", "delete", "rename", "link"}, account.All, ""},
		{"all", []string{"all"}, account.All, ""},
		{"all, and who is connected", []string{"all", "who"}, account.All | account.Who, ""},
		{"a word twice", []string{"read", "read"}, account.Read, ""},
		{"a word that is none", []string{"read", "write"}, 0, `"write" is no right; there are list, read, create, `},
		{"capitals", []string{"Read"}, 0, `"Read" is no right`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := account.ParseRights(tt.words)
			if got != tt.want || tt.wantErr == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("got %b, %v, want %b, %q", got, err, tt.want, tt.wantErr)
			}
		})
	}
}
