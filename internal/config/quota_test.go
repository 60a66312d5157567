package config

import (
	"strings"
	"testing"

	"sluice/internal/account"
)

func TestReserveValues(t *testing.T) {
	for text, want := range map[string]Reserve{
		"0": {}, "1GiB": {Bytes: 1 << 30}, "1500": {Bytes: 1500}, "5%": {Percent: 5}, " 0.5 %": {Percent: 0.5}, "0%": {},
	} {
		var r Reserve
		if err := r.Set(text); err != nil || r != want {
			t.Errorf("%q is %+v, %v, want %+v", text, r, err, want)
		}
		var again Reserve
		if err := again.Set(r.String()); err != nil || again != r {
			t.Errorf("%q is printed as %q", text, r.String())
		}
	}
	for _, text := range []string{"", "x", "%", "-1%", "100%", "NaN%", "Inf%", "5%%", "-5", "1e30"} {
		var r Reserve
		if err := r.Set(text); err == nil || !strings.Contains(err.Error(), "1GiB or 5%") {
			t.Errorf("%q is %+v, %v", text, r, err)
		}
	}
}

// A user's own quota replaces the default, also by no limit.
func TestTheQuotaOfAUser(t *testing.T) {
	c := Config{Quota: QuotaOptions{Bytes: 100, Files: 10}}
	for name, tt := range map[string]struct {
		keys map[string]any
		want account.Quota
	}{
		"none of its own":  {nil, account.Quota{Bytes: 100, Files: 10}},
		"bytes of its own": {map[string]any{"quota": "1KiB"}, account.Quota{Bytes: 1024, Files: 10}},
		"files of its own": {map[string]any{"quota-files": int64(5)}, account.Quota{Bytes: 100, Files: 5}},
		"files as large":   {map[string]any{"max-file-size": "2KiB"}, account.Quota{Bytes: 100, Files: 10, FileBytes: 2048}},
		"no limit":         {map[string]any{"quota": int64(0), "quota-files": int64(0)}, account.Quota{}},
	} {
		var u User
		for key, value := range tt.keys {
			if err := u.set(key, value); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := c.quotaOf(u); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	for key, values := range map[string][]any{"quota": {"much", int64(-1), true}, "quota-files": {"5", int64(-1), 1.5}, "max-file-size": {"much", int64(-1)}} {
		for _, value := range values {
			var u User
			if err := u.set(key, value); err == nil || !strings.Contains(err.Error(), "such as") {
				t.Errorf("%s = %v: %v", key, value, err)
			}
		}
	}
}
