package account_test

import (
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
