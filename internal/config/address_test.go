package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/config"
)

func TestOnlyNamedListenersAreOpened(t *testing.T) {
	const no = ""
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		want   map[string][]string
	}{
		{"the defaults", func(*config.Config) {}, map[string][]string{"http": {":8080"}, "ftp": {":2121"}}},
		{"HTTP is off", func(c *config.Config) { c.HTTP = []string{no} }, map[string][]string{"ftp": {":2121"}}},
		{"FTP is off", func(c *config.Config) { c.FTP = []string{no} }, map[string][]string{"http": {":8080"}}},
		{"HTTPS is off, which is the default", func(c *config.Config) { c.HTTPS = []string{no} }, map[string][]string{"http": {":8080"}, "ftp": {":2121"}}},
		{"all is off", func(c *config.Config) { c.HTTP, c.FTP = []string{no}, []string{no} }, map[string][]string{}},
		{"HTTPS is named", func(c *config.Config) { c.HTTPS = []string{":443"} }, map[string][]string{"https": {":443"}}},
		{"FTPS is named", func(c *config.Config) { c.FTPS = []string{":990"} }, map[string][]string{"ftps": {":990"}}},
		{"HTTP is named", func(c *config.Config) { c.HTTP = []string{":80"} }, map[string][]string{"http": {":80"}}},
		{"HTTP is named, and FTP is off", func(c *config.Config) { c.HTTP, c.FTP = []string{":80"}, []string{no} }, map[string][]string{"http": {":80"}}},
		{"two of one kind", func(c *config.Config) { c.HTTP = []string{"127.0.0.1:80", "[::1]:80"} }, map[string][]string{"http": {"127.0.0.1:80", "[::1]:80"}}},
		{"all are named", func(c *config.Config) {
			c.HTTP, c.HTTPS, c.FTP, c.FTPS = []string{":1"}, []string{":2"}, []string{":3"}, []string{":4"}
		}, map[string][]string{"http": {":1"}, "https": {":2"}, "ftp": {":3"}, "ftps": {":4"}}},
		{"only the admin listener is named", func(c *config.Config) { c.Admin = ":9180" }, map[string][]string{"http": {":8080"}, "ftp": {":2121"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config.Default()
			tt.change(&c)
			got := make(map[string][]string)
			for _, scheme := range config.Schemes {
				if all := c.Addresses(scheme); len(all) > 0 {
					got[scheme] = all
				}
				if c.Serves(scheme) != (len(got[scheme]) > 0) {
					t.Errorf("Serves(%s) = %v", scheme, c.Serves(scheme))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
