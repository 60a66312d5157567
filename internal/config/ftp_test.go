package config_test

import (
	"net/netip"
	"testing"

	"sluice/internal/config"
)

func TestPortRange(t *testing.T) {
	for in, want := range map[string]config.PortRange{
		"50000-50100": {First: 50000, Last: 50100},
		"1-65535":     {First: 1, Last: 65535},
		"50000":       {First: 50000, Last: 50000},
		"":            {},
		"0-1":         {},
		"2-1":         {},
		"50000-":      {},
		"-50000":      {},
		"1-65536":     {},
		"1-2-3":       {},
		"1 - 2":       {},
	} {
		var got config.PortRange
		err := got.Set(in)
		if got != want || (err == nil) != (want != config.PortRange{}) {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
		if again := (config.PortRange{}); err == nil && (again.Set(got.String()) != nil || again != got) {
			t.Errorf("%q: %q is %v", in, got.String(), again)
		}
	}
}

func TestParsePublicAddr(t *testing.T) {
	addr := netip.MustParseAddr("203.0.113.7")
	for in, want := range map[string]config.PublicAddr{
		"203.0.113.7":            {Addr: addr},
		"10.0.0.0/8=203.0.113.7": {Clients: netip.MustParsePrefix("10.0.0.0/8"), Addr: addr},
		"10.0.0.0/8=":            {Clients: netip.MustParsePrefix("10.0.0.0/8")},
		"10.0.0.1=203.0.113.7":   {Clients: netip.MustParsePrefix("10.0.0.1/32"), Addr: addr},
		"":                       {},
		"=203.0.113.7":           {},
		"2001:db8::1":            {},
		"ftp.example.org":        {},
		"10.0.0.0/8":             {},
	} {
		got, err := config.ParsePublicAddr(in)
		if got != want || (err == nil) != (want != config.PublicAddr{}) {
			t.Errorf("%q: got %v, %v, want %v", in, got, err, want)
		}
	}
}

func TestTheLastRuleForAUserDecidesHowItOverwrites(t *testing.T) {
	for _, tt := range []struct {
		rules []string
		want  map[string]bool
	}{
		{nil, map[string]bool{"alice": false}},
		{[]string{"in-place"}, map[string]bool{"alice": true, "bob": true}},
		{[]string{"in-place", "replace"}, map[string]bool{"alice": false}},
		{[]string{"in-place=alice"}, map[string]bool{"alice": true, "bob": false}},
		{[]string{"in-place", "replace=bob"}, map[string]bool{"alice": true, "bob": false}},
		{[]string{"replace=bob", "in-place"}, map[string]bool{"alice": true, "bob": false}},
		{[]string{"in-place=a=b"}, map[string]bool{"a=b": true, "a": false}},
	} {
		o := config.FTPOptions{Overwrite: tt.rules}
		for user, want := range tt.want {
			if got := o.InPlace(user); got != want {
				t.Errorf("%q, %s: in place %v, want %v", tt.rules, user, got, want)
			}
		}
	}
}
