package daemon

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/ftpd"
	"sluice/internal/config"
)

func TestOptionsReachTheFTPServer(t *testing.T) {
	type options struct {
		TLS      ftpd.TLSPolicy
		Reuse    ftpd.SessionReuse
		Lax      bool // for the user u
		LaxReuse bool // for the user u
		HasTLS   bool
		NoActive bool
		Ports    ftpd.PortRange
		Public   string
		Proxies  int

		MaxConns, MaxConnsPerAddr                         int
		Login, Idle, Stall, Accept, Session, KeepsUploads time.Duration

		MaxRate, AnonymousMaxRate, RateAfter int64
		AllDown, AllUp                       bool
	}
	usual := options{
		Login: time.Minute, Idle: 5 * time.Minute, Stall: 5 * time.Minute, Accept: 30 * time.Second, KeepsUploads: 72 * time.Hour,
	}
	withTLS := usual
	withTLS.HasTLS = true
	lax := usual
	lax.Lax, lax.LaxReuse = true, true
	limited := usual
	limited.MaxRate, limited.AnonymousMaxRate, limited.RateAfter, limited.AllDown, limited.AllUp = 2, 3, 4, true, true
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		want   options
	}{
		{"the defaults", func(*config.Config) {}, usual},
		{"a certificate", func(c *config.Config) { c.TLSSelfSigned = true }, withTLS},
		{"a certificate for others", func(c *config.Config) { c.TLSSelfSigned, c.FTPOptions.TLS = true, "off" }, usual},
		{"all users are lax", func(c *config.Config) { c.FTPOptions.LaxTLS, c.FTPOptions.LaxReuse = []string{"*"}, []string{"*"} }, lax},
		{"other users are lax", func(c *config.Config) { c.FTPOptions.LaxTLS, c.FTPOptions.LaxReuse = []string{"t"}, []string{"t"} }, usual},
		{"everything", func(c *config.Config) {
			c.TLSSelfSigned = true
			c.FTPOptions = config.FTPOptions{
				TLS: "required", TLSReuse: "required", LaxTLS: []string{"t", "u"}, LaxReuse: []string{"u"},
				PassivePorts: config.PortRange{First: 40000, Last: 40100},
				PublicAddrs:  []config.PublicAddr{{Clients: netip.MustParsePrefix("10.0.0.0/8"), Addr: netip.MustParseAddr("203.0.113.7")}},
				ProxyFrom:    []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")},
				MaxConns:     3, MaxConnsPerAddr: 2, AcceptTimeout: time.Second, SessionTimeout: time.Hour,
			}
		}, options{
			TLS: ftpd.TLSRequired, Reuse: ftpd.ReuseRequired, Lax: true, LaxReuse: true, HasTLS: true, NoActive: true, Proxies: 1,
			Ports: ftpd.PortRange{First: 40000, Last: 40100}, Public: "{10.0.0.0/8 203.0.113.7}",
			MaxConns: 3, MaxConnsPerAddr: 2,
			Login: -1, Idle: -1, Stall: -1, Accept: time.Second, Session: time.Hour, KeepsUploads: -1,
		}},
		{"rates", func(c *config.Config) {
			c.Rates = config.RateOptions{MaxRate: 1, MaxRatePerTransfer: 2, AnonymousMaxRate: 3, RateAfter: 4}
		}, limited},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(c *config.Config) { c.FTP = []string{"127.0.0.1:0"}; tt.change(c) }).(*ftpd.Server)
			guest, err := s.Login(t.Context(), ftpd.Client{}, "anonymous", "")
			if err != nil {
				t.Fatal(err)
			}
			got := options{
				TLS: s.TLS, Reuse: s.Reuse, Lax: s.LaxTLS("u"), LaxReuse: s.LaxReuse("u"), HasTLS: s.TLSConfig != nil, NoActive: s.NoActive, Ports: s.PassivePorts, Proxies: len(s.ProxyFrom),
				MaxConns: s.Live.MaxFTPConns, MaxConnsPerAddr: s.Live.MaxFTPConnsPerAddr,
				Login: s.LoginTimeout, Idle: s.IdleTimeout, Stall: s.StallTimeout, Accept: s.AcceptTimeout, Session: s.SessionTimeout,
				KeepsUploads: s.KeepPartials,
				MaxRate:      s.MaxRate, AnonymousMaxRate: guest.MaxRatePerTransfer, RateAfter: s.RateAfter,
				AllDown: s.Limiter != nil, AllUp: s.UploadLimiter != nil,
			}
			for _, p := range s.PublicAddrs {
				got.Public += fmt.Sprint(p)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
