package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ParsePrefix parses a network such as 10.0.0.0/8, or a single address.
func ParsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil || prefix.Addr().Is4In6() { // which contains no address of a client
		return netip.Prefix{}, errors.New("write it like 10.0.0.0/8, fd00::/8 or 127.0.0.1")
	}
	return prefix.Masked(), nil
}

// units are powers of 1024, but with a B powers of 1000.
var units = []struct {
	suffix string
	factor int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40},
	{"b", 1},
}

// Bytes is a number of bytes, written as 1500, 64KiB, 64K (the same) or 1MB (a million).
// It implements pflag.Value.
type Bytes int64

// Set parses a number of bytes.
func (b *Bytes) Set(text string) error {
	number, factor := strings.ToLower(strings.TrimSpace(text)), int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/factor {
		return fmt.Errorf("%q is not a size; write it like 1500, 64KiB or 1GB", text)
	}
	*b = Bytes(int64(n) * factor)
	return nil
}

// String uses the largest binary unit that leaves no fraction.
func (b Bytes) String() string {
	for i := 3; i >= 0; i-- {
		if n := int64(b); n != 0 && n%units[i].factor == 0 {
			return strconv.FormatInt(n/units[i].factor, 10) + []string{"KiB", "MiB", "GiB", "TiB"}[i]
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Type names such a value in the help.
func (*Bytes) Type() string { return "size" }

// isOrigin reports whether s is an Origin as browsers send it, or "*". It is compared
// byte by byte: no capitals, no default port, no slash.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	switch {
	case s == "*":
		return true
	case err != nil || u.Host == "" || s != strings.ToLower(u.Scheme+"://"+u.Host):
		return false
	}
	return (u.Scheme != "http" || u.Port() != "80") && (u.Scheme != "https" || u.Port() != "443")
}
