package config_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sluice/internal/account"
	"sluice/internal/config"
)

func TestCheck(t *testing.T) {
	if err := config.Default().Check(); err != nil {
		t.Errorf("the default is wrong: %v", err)
	}
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"nothing to serve", func(c *config.Config) { c.HTTP, c.FTP = []string{""}, []string{""} }, "nothing to serve"},
		{"a redirect without HTTP", func(c *config.Config) { c.HTTPS, c.TLSSelfSigned, c.HTTPSRedirect = []string{":8443"}, true, true }, "--https-redirect needs --http"},
		{"a redirect without HTTPS", func(c *config.Config) { c.HTTPSRedirect = true }, "--https-redirect needs --http"},
		{"HTTPS without a certificate", func(c *config.Config) { c.HTTPS = []string{":8443"} }, "--https needs --tls-cert"},
		{"a certificate for plain HTTP", func(c *config.Config) { c.HTTP, c.TLSCerts = []string{":80"}, []string{"a"} }, "--tls-cert is of no use"},
		{"a self-signed certificate for plain HTTP", func(c *config.Config) { c.HTTP, c.TLSSelfSigned = []string{":80"}, true }, "--tls-self-signed is of no use"},
		{"a certificate for FTP without TLS", func(c *config.Config) {
			c.FTPOptions.TLS, c.TLSCerts = "off", []string{"a"}
		}, "--tls-cert is of no use"},
		{"FTPS without a certificate", func(c *config.Config) { c.FTPS = []string{":990"} }, "--ftps needs --tls-cert"},
		{"FTPS without TLS", func(c *config.Config) {
			c.FTPS, c.FTPOptions.TLS, c.TLSSelfSigned = []string{":990"}, "off", true
		}, "exclude"},
		{"TLS without a certificate", func(c *config.Config) { c.FTPOptions.TLS = "required" }, "--ftp-tls required needs"},
		{"TLS as one likes", func(c *config.Config) { c.FTPOptions.TLS = "maybe" }, `--ftp-tls "maybe"`},
		{"an empty policy", func(c *config.Config) { c.FTPOptions.TLSReuse = "" }, `--ftp-tls-reuse ""`},
		{"an unknown durability", func(c *config.Config) { c.Durability = "fsync" }, `--durability "fsync" is none of full, strict, rename, none`},
		{"an unknown way to overwrite", func(c *config.Config) { c.FTPOptions.Overwrite = []string{"append"} }, `--ftp-overwrite "append"`},
		{"a way to overwrite without a user", func(c *config.Config) { c.FTPOptions.Overwrite = []string{"in-place="} }, `--ftp-overwrite "in-place="`},
		{"an unknown engine", func(c *config.Config) { c.FTPOptions.Engine = "steam" }, `--ftp-engine "steam"`},
		{"FTPS by the library", func(c *config.Config) {
			c.FTPS, c.FTPOptions.Engine, c.TLSSelfSigned = []string{":990"}, "ftpserverlib", true
		}, "--ftps and --ftp-engine"},
		{"required TLS reuse with the library", func(c *config.Config) {
			c.FTPOptions.Engine, c.FTPOptions.TLSReuse = "ftpserverlib", "required"
		}, "--ftp-tls-reuse required and --ftp-engine"},
		{"a load balancer with the library", func(c *config.Config) {
			c.FTPOptions.Engine, c.FTPOptions.ProxyFrom = "ftpserverlib", []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
		}, "--ftp-proxy-from and --ftp-engine"},
		{"a session timeout with the library", func(c *config.Config) {
			c.FTPOptions.Engine, c.FTPOptions.SessionTimeout = "ftpserverlib", time.Hour
		}, "--ftp-session-timeout and --ftp-engine"},
		{"a negative number of FTP connections", func(c *config.Config) { c.FTPOptions.MaxConns = -1 }, "--ftp-max-conns -1"},
		{"a negative number of FTP connections per address", func(c *config.Config) { c.FTPOptions.MaxConnsPerAddr = -1 }, "--ftp-max-conns-per-addr -1"},
		{"a negative idle timeout", func(c *config.Config) { c.FTPOptions.IdleTimeout = -1 }, "--ftp-idle-timeout -1ns"},
		{"no accept timeout", func(c *config.Config) { c.FTPOptions.AcceptTimeout = 0 }, "--ftp-accept-timeout 0s"},
		{"two kinds of certificates", func(c *config.Config) {
			c.HTTPS, c.TLSCerts, c.TLSSelfSigned = []string{":8443"}, []string{"a"}, true
		}, "exclude"},
		{"one key for two certificates", func(c *config.Config) {
			c.HTTPS, c.TLSCerts, c.TLSKeys = []string{":8443"}, []string{"a", "b"}, []string{"a"}
		}, "1 --tls-key for 2 --tls-cert"},
		{"a key without a certificate", func(c *config.Config) { c.TLSKeys = []string{"a"} }, "1 --tls-key for 0 --tls-cert"},
		{"a token without a listener", func(c *config.Config) { c.AdminTokenFile = "t" }, "--admin-token-file is of no use"},
		{"profiles without a listener", func(c *config.Config) { c.AdminPprof = true }, "--admin-pprof is of no use"},
		{"a negative number of sockets", func(c *config.Config) { c.ReusePort = -1 }, "--reuseport -1"},
		{"event loops that there are not", func(c *config.Config) { c.Loop = "on" }, `--loop "on" is none of auto, off`},
		{"a negative number of connections", func(c *config.Config) { c.MaxConns = -1 }, "--max-conns -1"},
		{"a negative number of connections per address", func(c *config.Config) { c.MaxConnsPerAddr = -1 }, "--max-conns-per-addr -1"},
		{"a negative time for the cache", func(c *config.Config) { c.CacheValid = -1 }, "--cache-valid -1ns"},
		{"no directory", func(c *config.Config) { c.Root = "" }, "directory"},
		{"an unknown log format", func(c *config.Config) { c.LogFormat = "clay" }, `--log-format "clay"`},
		{"an unknown method", func(c *config.Config) { c.Method = "teleport" }, `--method "teleport"`},
		{"a negative time to drain", func(c *config.Config) { c.Drain = -time.Second }, "--drain -1s"},
		{"bytes without a limit, without a limit", func(c *config.Config) { c.Rates.RateAfter, c.Rates.MaxRate = 1, 1 }, "--rate-after is of no use"},
		{"a limit for guests without guests", func(c *config.Config) { c.Rates.AnonymousMaxRate, c.Anonymous = 1, false }, "--anonymous-max-rate is of no use"},
		{"writing without a user", func(c *config.Config) { c.Write = true }, "--user"},
		{"writing by guests", func(c *config.Config) {
			c.Write, c.Users = true, []config.User{{Account: account.Account{Name: "anonymous"}}}
		}, "--user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config.Default()
			tt.change(&c)
			if err := c.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCheckAcceptsHTTPS(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
	}{
		{"with a pair", func(c *config.Config) { c.TLSCerts, c.TLSKeys = []string{"a"}, []string{"b"} }},
		{"with a file that holds both", func(c *config.Config) { c.TLSCerts = []string{"a"} }},
		{"with a self-signed certificate", func(c *config.Config) { c.TLSSelfSigned = true }},
		{"alone", func(c *config.Config) { c.TLSSelfSigned = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config.Default()
			c.HTTPS = []string{":8443"}
			tt.change(&c)
			if err := c.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckOfOrigins(t *testing.T) {
	for origin, want := range map[string]bool{
		"*":                         true,
		"https://example.com":       true,
		"http://127.0.0.1:8080":     true,
		"http://[::1]:8080":         true,
		"moz-extension://0a1b":      true,
		"https://example.com/":      false,
		"https://example.com/page":  false,
		"https://example.com?x":     false,
		"https://Example.com":       false,
		"https://example.com:443":   false,
		"http://example.com:80":     false,
		"https://user@example.com":  false,
		"example.com":               false,
		"https://":                  false,
		"":                          false,
		"null":                      false,
		"https://example.com https": false,
	} {
		c := config.Default()
		c.CORS = []string{"*", origin}
		err := c.Check()
		if err == nil != want || err != nil && !strings.Contains(err.Error(), "--cors") {
			t.Errorf("%q: error %v, want it accepted: %v", origin, err, want)
		}
	}
}
