package config

import "slices"

// Schemes are the protocols that are served, as URLs call them.
var Schemes = []string{"http", "https", "ftp", "ftps"}

// usual is where is served if nobody says where.
var usual = map[string]string{"http": ":8080", "ftp": ":2121"}

// Addresses returns where a protocol is served. If any is named, nothing else listens; if
// none is, there are HTTP and FTP, unless "" in the place of an address switches one off.
func (c *Config) Addresses(scheme string) []string {
	named := c.named(scheme)
	switch {
	case len(named) > 0:
		return named
	case slices.ContainsFunc(Schemes, func(other string) bool { return len(c.named(other)) > 0 }):
		return nil
	case usual[scheme] == "" || len(c.said(scheme)) > 0:
		return nil
	}
	return []string{usual[scheme]}
}

// Serves reports whether one of these protocols is served.
func (c *Config) Serves(schemes ...string) bool {
	return slices.ContainsFunc(schemes, func(scheme string) bool { return len(c.Addresses(scheme)) > 0 })
}

// said returns what was said of a protocol.
func (c *Config) said(scheme string) []string {
	return map[string][]string{"http": c.HTTP, "https": c.HTTPS, "ftp": c.FTP, "ftps": c.FTPS}[scheme]
}

// named returns the addresses in that.
func (c *Config) named(scheme string) []string {
	return slices.DeleteFunc(slices.Clone(c.said(scheme)), func(addr string) bool { return addr == "" })
}
