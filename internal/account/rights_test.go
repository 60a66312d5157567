package account_test

import (
	"strings"
	"testing"

	"sluice/internal/account"
)

func TestRights(t *testing.T) {
	for _, tt := range []struct {
		name       string
		has, asked account.Rights
		want       bool
	}{
		{"one of all", account.All, account.Delete, true},
		{"two of all", account.All, account.Delete | account.Rename, true},
		{"one that it has", account.ReadOnly, account.Read, true},
		{"one that it does not have", account.ReadOnly, account.Create, false},
		{"two, of which it has one", account.ReadOnly, account.Read | account.Delete, false},
		{"one of none", 0, account.List, false},
		{"none", 0, 0, true},
		{"the right Who, which is not in All", account.All, account.Who, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.has.Has(tt.asked); got != tt.want {
				t.Errorf("%b.Has(%b) = %v, want %v", tt.has, tt.asked, got, tt.want)
			}
		})
	}
}

func TestParseRights(t *testing.T) {
	for _, tt := range []struct {
		name    string
		names   []string
		want    account.Rights
		wantErr string
	}{
		{"no names", nil, 0, ""},
		{"some names", []string{"list", "read", "create"}, account.ReadOnly | account.Create, ""},
		{"every name", []string{"list", "read", "create", "change", "delete", "rename", "link"}, account.All, ""},
		{"all", []string{"all"}, account.All, ""},
		{"all, and who", []string{"all", "who"}, account.All | account.Who, ""},
		{"a name twice", []string{"read", "read"}, account.Read, ""},
		{"an unknown name", []string{"read", "write"}, 0, `"write" is no right; there are list, read, create, `},
		{"capitals", []string{"Read"}, 0, `"Read" is no right`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := account.ParseRights(tt.names)
			if got != tt.want || tt.wantErr == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("got %b, %v, want %b, %q", got, err, tt.want, tt.wantErr)
			}
		})
	}
}
