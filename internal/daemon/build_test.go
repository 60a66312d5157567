package daemon

import (
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/httpd"
	"sluice/internal/config"
	"sluice/internal/daemon/listen"
	"sluice/internal/nettest"
)

// newServer returns the only server of a configuration.
func newServer(t *testing.T, change func(*config.Config)) any {
	t.Helper()
	conf := config.Default()
	conf.Root = nettest.TempDir(t)
	change(&conf)
	d, err := newDaemon(conf, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if d.root, err = openSource(t.Context(), &conf, d.logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.root.close)
	d.opener = new(listen.Opener)
	t.Cleanup(d.opener.Close)
	services, err := d.services(t.Context())
	if err != nil || len(services) != 1 {
		t.Fatalf("got %v, %v, want one service", services, err)
	}
	return services[0].server
}

// Options whose effect a client sees are tested in e2e.
func TestOptionsReachTheHTTPServer(t *testing.T) {
	type limits struct {
		MaxConns, MaxConnsPerAddr int
		ProxyFrom                 string
		NoFastPath                bool
		MinRate                   int64
		MaxRate, RateAfter        int64
		AllTogether               bool
		Valid                     time.Duration
		Logged                    bool
		ServerTiming              bool
	}
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		want   limits
	}{
		{"the defaults", func(*config.Config) {}, limits{Valid: time.Second, Logged: true}},
		{"everything", func(c *config.Config) {
			c.MaxConns, c.MaxConnsPerAddr, c.MinRate = 3, 2, 1000
			c.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			c.FastPath, c.CacheValid, c.AccessLog = false, time.Minute, false
			c.ServerTiming = true
			c.Rates = config.RateOptions{MaxRate: 4000, MaxRatePerTransfer: 2000, RateAfter: 500}
		}, limits{3, 2, "10.0.0.0/8", true, 1000, 2000, 500, true, time.Minute, false, true}},
		{"no cache", func(c *config.Config) { c.CacheValid = 0 }, limits{Valid: -1, Logged: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(c *config.Config) { c.HTTP = []string{"127.0.0.1:0"}; tt.change(c) }).(*httpd.Server)
			h := s.Handler.(*httpd.Handler)
			got := limits{
				MaxConns: s.Live.MaxConns, MaxConnsPerAddr: s.Live.MaxConnsPerAddr, NoFastPath: s.NoFastPath,
				MinRate: s.MinRate, MaxRate: h.MaxRate, RateAfter: h.RateAfter,
				AllTogether: h.Limiter != nil, Valid: h.CacheValid, Logged: s.Live.OnTransfer != nil,
				ServerTiming: h.ServerTiming,
			}
			for _, p := range s.ProxyFrom {
				got.ProxyFrom += p.String()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
