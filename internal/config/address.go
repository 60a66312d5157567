package config

import "slices"

// Schemes are the protocols, as in URLs.
var Schemes = []string{"http", "https", "ftp", "ftps"}

// defaultAddresses are used if no listener is named.
var defaultAddresses = map[string]string{"http": ":8080", "ftp": ":2121"}

// Addresses returns the addresses of a protocol. If a listener is named, only named ones
// are opened; else HTTP and FTP have default addresses. The address "" switches a
// protocol off.
func (c *Config) Addresses(scheme string) []string {
	named := c.named(scheme)
	switch {
	case len(named) > 0:
		return named
	case slices.ContainsFunc(Schemes, func(other string) bool { return len(c.named(other)) > 0 }):
		return nil
	case defaultAddresses[scheme] == "" || len(c.given(scheme)) > 0:
		return nil
	}
	return []string{defaultAddresses[scheme]}
}

// Serves reports whether one of these protocols has an address.
func (c *Config) Serves(schemes ...string) bool {
	return slices.ContainsFunc(schemes, func(scheme string) bool { return len(c.Addresses(scheme)) > 0 })
}

// given returns the addresses of a protocol as given.
func (c *Config) given(scheme string) []string {
	return map[string][]string{"http": c.HTTP, "https": c.HTTPS, "ftp": c.FTP, "ftps": c.FTPS}[scheme]
}

// named returns the given addresses without "".
func (c *Config) named(scheme string) []string {
	return slices.DeleteFunc(slices.Clone(c.given(scheme)), func(addr string) bool { return addr == "" })
}
