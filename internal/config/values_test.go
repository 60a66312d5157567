package config_test

import (
	"testing"

	"sluice/internal/config"
)

func TestParsePrefix(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.0/8":    "10.0.0.0/8",
		"10.1.2.3/8":    "10.0.0.0/8",
		"127.0.0.1":     "127.0.0.1/32",
		"::1":           "::1/128",
		"fd00::/8":      "fd00::/8",
		"":              "",
		"localhost":     "",
		"10.0.0.0/33":   "",
		"fe80::1%eth0":  "",
		"10.0.0.0/8 ":   "",
		"10.0.0.0:80":   "",
		"10.0.0.0/8,::": "",

		"::ffff:10.0.0.1":     "10.0.0.1/32",
		"::ffff:10.0.0.0/104": "",
	} {
		got, err := config.ParsePrefix(in)
		if want == "" != (err != nil) || err == nil && got.String() != want {
			t.Errorf("%q: got %v, %v, want %q", in, got, err, want)
		}
	}
}

func TestBytes(t *testing.T) {
	const bad = -1
	for in, want := range map[string]int64{
		"0":                    0,
		"65536":                65536,
		"64K":                  64 << 10,
		"64k":                  64 << 10,
		"64KiB":                64 << 10,
		"64 kib":               64 << 10,
		"64KB":                 64_000,
		"1500B":                1500,
		"2M":                   2 << 20,
		"3GB":                  3e9,
		"1T":                   1 << 40,
		"9223372036854775807":  1<<63 - 1,
		"9223372036854775808":  bad,
		"18446744073709551617": bad,
		"9007199254740991K":    (1<<53 - 1) << 10,
		"9007199254740992K":    bad,
		"":                     bad,
		"K":                    bad,
		"-1":                   bad,
		"+1":                   bad,
		"1.5M":                 bad,
		"1Q":                   bad,
	} {
		got := config.Bytes(-7)
		err := got.Set(in)
		if want == bad != (err != nil) || err == nil && got != config.Bytes(want) {
			t.Errorf("%q: got %d, %v, want %d", in, got, err, want)
		}
	}
}

func TestBytesAsText(t *testing.T) {
	for in, want := range map[config.Bytes]string{
		0: "0", 1: "1", 1000: "1000", 1 << 10: "1KiB", 1536: "1536", 16 << 20: "16MiB", 3 << 30: "3GiB", 2 << 40: "2TiB",
	} {
		got := in.String()
		var back config.Bytes
		if err := back.Set(got); got != want || err != nil || back != in {
			t.Errorf("%d: got %q and back %d, %v, want %q", int64(in), got, back, err, want)
		}
	}
}
