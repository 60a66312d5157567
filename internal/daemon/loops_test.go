package daemon

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sluice/httpd"
	"sluice/internal/config"
	"sluice/internal/daemon/listen"
	"sluice/internal/nettest"
)

func TestProcessorsForEventLoops(t *testing.T) {
	for _, tt := range []struct {
		name       string
		now, loops int
		variable   string
		want       int
	}{
		{"one for each loop", 4, 4, "", 8},
		{"none without loops", 4, 0, "", 4},
		{"none if the operator has set GOMAXPROCS", 2, 2, "2", 2},
		{"one for each loop if the runtime ignores the variable", 4, 4, "many", 8},
		{"and if it is not positive", 4, 4, "0", 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := processors(tt.now, tt.loops, tt.variable); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAddProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, tt := range []struct {
		name     string
		variable string
		loops    int
		more     int
		warns    bool
	}{
		{"without loops", "", 0, 0, false},
		{"without loops, as the environment says", "1", 0, 0, false},
		{"as the environment says", "1", 3, 0, true},
		{"with loops", "", 3, 3, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("GOMAXPROCS", tt.variable)
			var log strings.Builder
			addProcessors(tt.loops, slog.New(slog.NewTextHandler(&log, nil)))
			if got := runtime.GOMAXPROCS(0); got != before+tt.more {
				t.Errorf("there are %d, want %d", got, before+tt.more)
			}
			if warns := strings.Contains(log.String(), "level=WARN msg=\"under load, event loops delay"); warns != tt.warns || !warns && log.Len() > 0 {
				t.Errorf("logged %q", log.String())
			}
		})
	}
}

// openFor opens a listener as a configuration says.
func openFor(t *testing.T, change func(*config.Config), scheme, addr string) ([]net.Listener, *listen.Opener, error) {
	t.Helper()
	conf := config.Default()
	if change != nil {
		change(&conf)
	}
	opener, err := listen.NewOpener(conf.ReusePort, (&daemon{conf: conf}).loops())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opener.Close)
	all, err := opener.Open(t.Context(), scheme, addr)
	return all, opener, err
}

func TestListenersOfEventLoops(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, tt := range []struct {
		name   string
		change func(*config.Config)
		scheme string
		want   bool
	}{
		{"HTTP has them", nil, "http", true},
		{"HTTPS has none", nil, "https", false},
		{"FTP has none", nil, "ftp", false},
		{"the operator has none", nil, listen.Admin, false},
		{"--loop off has none", func(c *config.Config) { c.Loop = "off" }, "http", false},
		{"net/http has none", func(c *config.Config) { c.FastPath = false }, "http", false},
		{"the redirect to HTTPS has none", func(c *config.Config) { c.HTTPSRedirect = true }, "http", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, _, err := openFor(t, tt.change, tt.scheme, "127.0.0.1:0")
			if err != nil || len(all) != 1 {
				t.Fatalf("%d listeners, %v", len(all), err)
			}
			if _, isTheirs := all[0].(*httpd.Listener); isTheirs != tt.want {
				t.Errorf("got a %T", all[0])
			}
			want := 0
			if tt.want && runtime.GOOS == "linux" {
				want = runtime.GOMAXPROCS(0)
			}
			if got := loopsOf(all); got != want {
				t.Errorf("%d loops, want %d", got, want)
			}
		})
	}
}

func TestAddressesOfEventLoops(t *testing.T) {
	nettest.CheckLeaks(t)
	inUse, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	for _, tt := range []struct {
		name, addr, want string
		misused          bool
	}{
		{"in use", inUse.Addr().String(), "is in use by another program; stop that, or choose another address with --http", false},
		{"of another machine", "192.0.2.1:8080", "is not an address of this machine", false},
		{"without a port", "127.0.0.1", "write it like :8080", true},
		{"of no host", "host.invalid:80", "is not an address", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && !tt.misused {
				tt.want = "" // other errors
			}
			_, _, err := openFor(t, nil, "http", tt.addr)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if got := errors.As(err, new(config.UsageError)); got != tt.misused {
				t.Errorf("a usage error: %v, want %v", got, tt.misused)
			}
		})
	}
}

func TestServersShareAnAddressWithEventLoops(t *testing.T) {
	nettest.CheckLeaks(t)
	share := func(c *config.Config) { c.ReusePort = 3 }
	all, _, err := openFor(t, share, "http", "127.0.0.1:0")
	if reusePortWorks := runtime.GOOS == "linux" || runtime.GOOS == "freebsd" || runtime.GOOS == "dragonfly"; !reusePortWorks {
		if !errors.As(err, new(config.UsageError)) {
			t.Errorf("error %v, want one of usage", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	addr := all[0].Addr().String()
	if _, _, err := openFor(t, share, "http", addr); err != nil {
		t.Errorf("another server with --reuseport: %v", err)
	}
	if _, _, err := openFor(t, nil, "http", addr); err == nil {
		t.Error("a server without --reuseport got the address too")
	}
}

func TestUnixSocketsOfEventLoops(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are not like that there")
	}
	nettest.CheckLeaks(t)
	path := filepath.Join(nettest.TempDir(t), "s")
	exists := func() bool {
		_, err := os.Lstat(path)
		return !errors.Is(err, fs.ErrNotExist)
	}
	all, _, err := openFor(t, nil, "http", "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	_ = all[0].Close()
	if exists() {
		t.Error("Close has not removed the socket")
	}

	_, opener, err := openFor(t, nil, "http", "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	given := ""
	paths, err := opener.ReleaseUnix(func(path string) error { given = path; return nil })
	if err != nil || len(paths) != 1 || paths[0] != path || given != path {
		t.Errorf("released %v, %v, want %s", paths, err, path)
	}
	opener.Close()
	if !exists() {
		t.Error("a socket of another user was removed by Close")
	}
}

func TestTheOperatorSeesEventLoops(t *testing.T) {
	nettest.CheckLeaks(t)
	all, opener, err := openFor(t, nil, "http", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := pages{handler: new(httpd.Handler)}
	defer p.close()
	if got := p.loops(); got != nil {
		t.Errorf("before the server is there, the operator sees %+v", got)
	}
	server := new(httpd.Server)
	p.serve(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(all[0]) }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + all[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_ = server.Close()
	<-served
	opener.Close()

	loops := p.loops()
	if len(loops) != loopsOf(all) {
		t.Errorf("the operator sees %d loops, want %d", len(loops), loopsOf(all))
	}
	var accepted uint64
	for i, l := range loops {
		if l.Address != all[0].Addr().String() || l.Number != i || l.Connections != 0 {
			t.Errorf("loop %d is %+v", i, l)
		}
		accepted += l.Accepted
	}
	if len(loops) > 0 && accepted != 1 {
		t.Errorf("the loops have accepted %d connections, want 1", accepted)
	}
}
