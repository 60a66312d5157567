package ftpd_test

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"

	"sluice/ftpd"
	"sluice/internal/nettest"
)

// settingTests has a test for each field of ftpserver.Settings: that it is honoured,
// or refused.
var settingTests = map[string]func(t *testing.T){
	"Listener":                        settingListener,
	"ListenAddr":                      settingListener,
	"PublicHost":                      settingPublicHost,
	"Banner":                          settingBanner,
	"PassiveTransferPortRange":        settingPassiveTransferPortRange,
	"PassiveTransferPortMultiplexing": settingPassiveTransferPortMultiplexing,
	"PublicIPResolver":                settingPublicIPResolver,
	"IdleTimeout":                     settingIdleTimeout,
	"ConnectionTimeout":               settingConnectionTimeout,
	"ActiveTransferPortNon20":         settingActiveTransferPortNon20,
	"DisableMLSD":                     disables(func(s *ftpserver.Settings) { s.DisableMLSD = true }, "MLSD", "MLSD"),
	"DisableMLST":                     settingDisableMLST,
	"DisableMFMT":                     settingDisableMFMT,
	"TLSRequired":                     settingTLSRequired,
	"DisableLISTArgs":                 settingDisableLISTArgs,
	"DisableSite":                     settingDisableSite,
	"DisableActiveMode":               settingDisableActiveMode,
	"EnableHASH":                      settingEnableHASH,
	"DisableSTAT":                     settingDisableSTAT,
	"DisableSYST":                     disables(func(s *ftpserver.Settings) { s.DisableSYST = true }, "SYST", "SYST"),
	"EnableCOMB":                      refuses(ftpserver.Settings{EnableCOMB: true}),
	"DeflateCompressionLevel":         refuses(ftpserver.Settings{DeflateCompressionLevel: 6}, ftpserver.Settings{DeflateCompressionLevel: -1}),
	"DefaultTransferType":             settingDefaultTransferType,
	"DisableASCIIConversion":          settingDisableASCIIConversion,
	"ActiveConnectionsCheck":          settingActiveConnectionsCheck,
	"PasvConnectionsCheck":            settingPasvConnectionsCheck,
}

func TestEverySettingIsHonouredOrRefused(t *testing.T) {
	var fields []string
	for field := range reflect.TypeFor[ftpserver.Settings]().Fields() {
		fields = append(fields, field.Name)
		test := settingTests[field.Name]
		if test == nil {
			t.Errorf("no test for Settings.%s", field.Name)
			continue
		}
		t.Run(field.Name, test)
	}
	for name := range settingTests {
		if !slices.Contains(fields, name) {
			t.Errorf("there is no Settings.%s", name)
		}
	}
}

func TestServeReturnsTheErrorOfGetSettings(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings *ftpserver.Settings
		err      error
		want     string
	}{
		{"an error", new(ftpserver.Settings), errors.New("the disk is gone"), "ftpd: settings of the driver: the disk is gone"},
		{"none", nil, nil, "ftpd: GetSettings of the driver has returned nil"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			srv := ftpd.FromDriver(&unset{settings: tt.settings, err: tt.err})
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if err := srv.Serve(ln); err == nil || err.Error() != tt.want || !errors.Is(err, cmp.Or(tt.err, err)) {
				t.Errorf("got %v", err)
			}
			if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the listener is open, or fails with %v", err)
			}
		})
	}
}

// unset is a driver with these results of GetSettings.
type unset struct {
	mainDriver
	settings *ftpserver.Settings
	err      error
}

func (d *unset) GetSettings() (*ftpserver.Settings, error) { return d.settings, d.err }

// refuses returns a test that each of the settings is refused with an error that names
// the field, which is the name of the subtest.
func refuses(all ...ftpserver.Settings) func(t *testing.T) {
	return func(t *testing.T) {
		t.Helper()
		name := t.Name()[strings.LastIndexByte(t.Name(), '/')+1:]
		for _, set := range all {
			set.ListenAddr = "127.0.0.1:0"
			if err := ftpd.FromDriver(&mainDriver{settings: set, config: always(testCertificate())}).ListenAndServe(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%+v: got %v", set, err)
			}
		}
	}
}

// withSettings serves the file f, "hello\n", from memory, with changed settings.
func withSettings(t *testing.T, change func(*ftpserver.Settings)) *server {
	t.Helper()
	d := &mainDriver{client: memoryOf(t, "/f", "hello\n"), settings: binary}
	change(&d.settings)
	return run(t, d, nil)
}

// disables returns a test that a setting disables a command: line gets 502, and HELP does
// not list the command. Without the setting it does.
func disables(change func(*ftpserver.Settings), command, line string) func(t *testing.T) {
	return func(t *testing.T) {
		t.Helper()
		for _, disabled := range []bool{false, true} {
			c := withSettings(t, func(s *ftpserver.Settings) {
				if disabled {
					change(s)
				}
			}).login()
			offered := slices.Contains(strings.Fields(c.want(214, "HELP")), command)
			if offered == disabled {
				t.Errorf("disabled %v: HELP lists it: %v", disabled, offered)
			}
			if disabled {
				c.want(502, line)
				continue
			}
			c.send(line)
			if code, text, err := c.reply(); code == 502 || err != nil {
				t.Errorf("got %q, %v", text, err)
			}
		}
	}
}

// offers reports whether a line of FEAT begins with a word.
func (c *client) offers(word string) bool {
	c.t.Helper()
	return strings.Contains(c.want(211, "FEAT"), "\n "+word)
}

// settingListener tests both fields together; TestListenAndServe tests each alone.
func settingListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := ftpd.FromDriver(&mainDriver{settings: ftpserver.Settings{Listener: ln, ListenAddr: "not an address"}})
	served := make(chan error, 1)
	go func() { served <- srv.ListenAndServe() }()
	if code, text := (&server{t: t, addr: ln.Addr().String()}).greeting(); code != 220 {
		t.Errorf("got %q", text)
	}
	_ = srv.Close()
	if err := next(t, served); !errors.Is(err, ftpd.ErrServerClosed) {
		t.Errorf("got %v", err)
	}
	srv = ftpd.FromDriver(&mainDriver{settings: ftpserver.Settings{ListenAddr: "not an address"}})
	if err := srv.ListenAndServe(); err == nil || !strings.Contains(err.Error(), "not an address") {
		t.Errorf("got %v", err)
	}
}

func settingPublicHost(t *testing.T) {
	for host, want := range map[string]string{"": "(127,0,0,1,", "192.0.2.7": "(192,0,2,7,", "::ffff:192.0.2.8": "(192,0,2,8,"} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.PublicHost = host }).login()
		if text := c.want(227, "PASV"); !strings.Contains(text, want) {
			t.Errorf("%q: got %q", host, text)
		}
	}
	refuses(ftpserver.Settings{PublicHost: "ftp.example.org"}, ftpserver.Settings{PublicHost: "2001:db8::1"}, ftpserver.Settings{PublicHost: "300.0.0.1"})(t)
}

func settingBanner(t *testing.T) {
	for banner, want := range map[string]string{
		"": "211-Sluice\r\n From ", "The files of all": "211-The files of all\r\n From ", "Two\nlines\n": "211-Two\r\n lines\r\n From ",
	} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.Banner = banner }).dial()
		if text := c.want(211, "STAT"); !strings.HasPrefix(text, want) {
			t.Errorf("%q: got %q", banner, text)
		}
	}
}

// getter is a PasvPortGetter that returns these ports, one after the other.
type getter struct {
	ports    [][2]int // announced and listened on
	attempts int
	calls    int
}

func (g *getter) NumberAttempts() int { return g.attempts }

func (g *getter) FetchNext() (announced, listened int, ok bool) {
	g.calls++
	if g.calls > len(g.ports) {
		return 0, 0, false
	}
	return g.ports[g.calls-1][0], g.ports[g.calls-1][1], true
}

func settingPassiveTransferPortRange(t *testing.T) {
	r := freeRange(t, 3)
	first, last := int(r.First), int(r.Last)
	t.Run("ports of a range are announced", func(t *testing.T) {
		c := withSettings(t, func(s *ftpserver.Settings) { s.PassiveTransferPortRange = ftpserver.PortRange{Start: first, End: last} }).login()
		for _, m := range []mode{pasv, epsv, pasv} {
			addr := c.passive(m)
			if p := portOf(t, addr); p < r.First || p > r.Last {
				t.Errorf("%s: port %d", m, p)
			}
			c.send("RETR f")
			if got, err := io.ReadAll(c.connect(addr)); string(got) != "hello\n" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			c.expect(150, "RETR")
			c.expect(226, "RETR")
		}
	})
	t.Run("other ports are announced", func(t *testing.T) {
		c := withSettings(t, func(s *ftpserver.Settings) {
			s.PassiveTransferPortRange = ftpserver.PortMappingRange{ExposedStart: 40_000, ListenedStart: first, Count: 3}
		}).login()
		for _, m := range []mode{pasv, epsv} {
			addr := c.passive(m)
			at := int(portOf(t, addr)) - 40_000
			if at < 0 || at > 2 {
				t.Fatalf("%s: port %d", m, at+40_000)
			}
			c.send("RETR f")
			if got, err := io.ReadAll(c.connect(fmt.Sprint("127.0.0.1:", first+at))); string(got) != "hello\n" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			c.expect(150, "RETR")
			c.expect(226, "RETR")
		}
	})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	no := int(portOf(t, taken.Addr().String()))
	for _, tt := range []struct {
		name  string
		ports *getter
		want  int
		calls int
	}{
		{"a port in use is skipped", &getter{[][2]int{{no, no}, {no, no}, {first, first}}, 1, 0}, 227, 3},
		{"at least ten ports are tried", &getter{slices.Repeat([][2]int{{no, no}}, 2000), 1, 0}, 425, 10},
		{"NumberAttempts ports are tried", &getter{slices.Repeat([][2]int{{no, no}}, 2000), 15, 0}, 425, 15},
		{"at most a thousand ports are tried", &getter{slices.Repeat([][2]int{{no, no}}, 2000), 5000, 0}, 425, 1000},
		{"no port at all", &getter{}, 425, 1},
		{"an invalid port to announce", &getter{[][2]int{{70_000, first}}, 1, 0}, 425, 1},
		{"an invalid port to listen on", &getter{[][2]int{{40_000, 0}}, 1, 0}, 425, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := withSettings(t, func(s *ftpserver.Settings) { s.PassiveTransferPortRange = tt.ports }).login()
			c.want(tt.want, "PASV")
			c.want(221, "QUIT")
			c.end()
			if tt.ports.calls != tt.calls {
				t.Errorf("FetchNext was called %d times, want %d", tt.ports.calls, tt.calls)
			}
		})
	}
}

// loginFrom logs in from another address of loopback.
func (s *server) loginFrom(from string) *client {
	s.t.Helper()
	conn := dialFrom(s.t, from, s.addr).(*net.TCPConn)
	c := &client{s.t, conn, bufio.NewReader(conn)}
	c.expect(220, "the greeting")
	c.want(331, "USER u")
	c.want(230, "PASS secret")
	return c
}

func settingPassiveTransferPortMultiplexing(t *testing.T) {
	for _, shared := range []bool{false, true} {
		r := freeRange(t, 1)
		s := withSettings(t, func(s *ftpserver.Settings) {
			s.PassiveTransferPortMultiplexing = shared
			s.PassiveTransferPortRange = ftpserver.PortRange{Start: int(r.First), End: int(r.Last)}
		})
		one, other := s.loginFrom("127.0.0.1"), s.loginFrom("127.0.0.2")
		addr := one.passive(epsv)
		if !shared {
			other.want(425, "EPSV")
			continue
		}
		other.passive(epsv)
		for c, from := range map[*client]string{one: "127.0.0.1", other: "127.0.0.2"} {
			conn := dialFrom(t, from, addr)
			c.send("RETR f")
			if got, err := io.ReadAll(conn); string(got) != "hello\n" || err != nil {
				t.Errorf("%s: got %q, %v", from, got, err)
			}
			c.expect(150, "RETR")
			c.expect(226, "RETR")
		}
	}
}

func settingPublicIPResolver(t *testing.T) {
	for _, tt := range []struct {
		host, addr string
		err        error
		want       string // in the reply
	}{
		{"", "192.0.2.9", nil, "227 Entering Passive Mode (192,0,2,9,"},
		{"", "::ffff:192.0.2.9", nil, "227 Entering Passive Mode (192,0,2,9,"},
		{"192.0.2.7", "192.0.2.9", nil, "227 Entering Passive Mode (192,0,2,7,"},
		{"", "", errors.New("ask again"), "425 The public address is not known: ask again"},
		{"", "ftp.example.org", nil, "425 "},
		{"", "2001:db8::1", nil, "425 PASV is for IPv4"},
	} {
		called := make(chan ftpserver.ClientContext, 1)
		s := withSettings(t, func(s *ftpserver.Settings) {
			s.PublicHost = tt.host
			s.PublicIPResolver = func(c ftpserver.ClientContext) (string, error) { called <- c; return tt.addr, tt.err }
		})
		c := s.login()
		if text := c.want(code(tt.want), "PASV"); !strings.HasPrefix(text, tt.want) {
			t.Errorf("got %q, want %q", text, tt.want)
		}
		if tt.host != "" {
			continue
		}
		if cc := next(t, called); cc.RemoteAddr().String() != c.conn.LocalAddr().String() {
			t.Errorf("called for %v", cc.RemoteAddr())
		}
		c.passive(epsv)
	}
}

// configured returns a server after a driver's settings have configured it. It does not
// serve.
func configured(t *testing.T, set ftpserver.Settings) *ftpd.Server {
	t.Helper()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	set.ListenAddr = taken.Addr().String()
	srv := ftpd.FromDriver(&mainDriver{settings: set})
	if err := srv.ListenAndServe(); err == nil || !strings.HasPrefix(err.Error(), "ftpd: listen") {
		t.Fatalf("got %v", err)
	}
	return srv
}

// forEver is the longest duration of a setting.
var forEver = time.Duration(min(math.MaxInt, int64(math.MaxInt64/time.Second))) * time.Second

func settingIdleTimeout(t *testing.T) {
	for n, want := range map[int]time.Duration{0: 15 * time.Minute, 5: 5 * time.Second, math.MaxInt: forEver} {
		if got := configured(t, ftpserver.Settings{IdleTimeout: n}).IdleTimeout; got != want {
			t.Errorf("%d is %v", n, got)
		}
	}
	if got := configured(t, ftpserver.Settings{IdleTimeout: -7}).IdleTimeout; got >= 0 {
		t.Errorf("a negative number gives the limit %v, want none", got)
	}
	c := withSettings(t, func(s *ftpserver.Settings) { s.IdleTimeout = 1 }).login()
	c.expect(421, "silence")
	c.end()
}

func settingConnectionTimeout(t *testing.T) {
	for n, want := range map[int]time.Duration{0: 30 * time.Second, 5: 5 * time.Second, math.MaxInt: forEver} {
		if got := configured(t, ftpserver.Settings{ConnectionTimeout: n}).AcceptTimeout; got != want {
			t.Errorf("%d is %v", n, got)
		}
	}
	c := withSettings(t, func(s *ftpserver.Settings) { s.ConnectionTimeout = 1 }).login()
	c.passive(epsv)
	c.want(425, "RETR f")
	refuses(ftpserver.Settings{ConnectionTimeout: -1})(t)
}

func settingActiveTransferPortNon20(t *testing.T) {
	for _, other := range []bool{false, true} {
		t.Run(fmt.Sprint("another one: ", other), func(t *testing.T) {
			if ln, err := net.Listen("tcp", "127.0.0.1:20"); err == nil {
				_ = ln.Close()
			} else if errors.Is(err, syscall.EACCES) {
				t.Skip("only root can use port 20:", err)
			}
			c := withSettings(t, func(s *ftpserver.Settings) { s.ActiveTransferPortNon20 = other }).login()
			for _, m := range []mode{port, eprt, port} { // also while an earlier connection is in TIME_WAIT
				conn := c.data(m, "RETR f")
				if from := portOf(t, conn.RemoteAddr().String()); (from == 20) == other {
					t.Errorf("%s: the connection comes from port %d", m, from)
				}
				if got, err := io.ReadAll(conn); string(got) != "hello\n" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
				c.expect(226, "RETR")
			}
		})
	}
}

// DisableMLST disables neither MLSD nor OPTS MLST, which MLSD needs.
func settingDisableMLST(t *testing.T) {
	off := func(s *ftpserver.Settings) { s.DisableMLST = true }
	disables(off, "MLST", "MLST")(t)
	c := withSettings(t, off).login()
	c.want(200, "OPTS MLST size;")
	if got := c.get(epsv, "MLSD"); !strings.HasSuffix(got, "size=6; f\r\n") || c.offers("MLST") {
		t.Errorf("got %q, or FEAT lists MLST", got)
	}
}

func settingDisableMFMT(t *testing.T) {
	off := func(s *ftpserver.Settings) { s.DisableMFMT = true }
	disables(off, "MFMT", "MFMT 20200102030405 f")(t)
	disables(off, "MFF", "MFF modify=20200102030405; f")(t)
	c := withSettings(t, off).login()
	before := c.want(213, "MDTM f")
	for _, line := range []string{"MDTM 20200102030405 f", "SITE UTIME 20200102030405 f"} {
		if text := c.want(550, line); text != "550 That is disabled" {
			t.Errorf("%s: got %q", line, text)
		}
	}
	if after := c.want(213, "MDTM f"); after != before || c.offers("MFMT") || c.offers("MFF") {
		t.Errorf("the time was set to %q, or FEAT lists the command", after)
	}
}

func settingTLSRequired(t *testing.T) {
	serve := func(required ftpserver.TLSRequirement) *server {
		d := &mainDriver{client: memoryOf(t, "/f", "hello\n"), settings: binary, config: always(testCertificate())}
		d.settings.TLSRequired = required
		return run(t, d, nil)
	}
	s := serve(ftpserver.ClearOrEncrypted)
	if got := s.login().get(epsv, "RETR f"); got != "hello\n" {
		t.Errorf("in clear: got %q", got)
	}
	s.secure(trust(0))

	s = serve(ftpserver.MandatoryEncryption)
	c := s.dial()
	c.want(530, "USER u")
	c.end()
	s.secure(trust(0)).want(534, "PROT C")

	s = serve(ftpserver.ImplicitEncryption)
	c = s.connectOnly()
	config := trust(0)
	conn := tls.Client(c.conn, config)
	secure := &secured{&client{t, c.conn, bufio.NewReader(conn)}, conn, config}
	secure.expect(220, "the greeting") // after the handshake
	secure.want(331, "USER u")
	secure.want(230, "PASS secret")
	if got, err := io.ReadAll(secure.begin("RETR f", config)); string(got) != "hello\n" || err != nil {
		t.Errorf("implicit: got %q, %v", got, err)
	}
	secure.expect(226, "RETR")

	refuses(ftpserver.Settings{TLSRequired: -1}, ftpserver.Settings{TLSRequired: ftpserver.ImplicitEncryption + 1})(t)
}

func settingDisableLISTArgs(t *testing.T) {
	for _, off := range []bool{false, true} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.DisableLISTArgs = off }).login()
		for _, line := range []string{"LIST -a", "LIST -la .", "NLST -l"} {
			if !off {
				if got := c.get(epsv, line); !strings.HasSuffix(got, "f\r\n") {
					t.Errorf("%s: got %q", line, got)
				}
				continue
			}
			c.passive(epsv)
			c.want(550, line)
		}
		c.want(257, "MKD -a")
		if got := c.get(epsv, "LIST -a"); got != "" {
			t.Errorf("a directory of that name: got %q", got)
		}
	}
}

func settingDisableSite(t *testing.T) {
	off := func(s *ftpserver.Settings) { s.DisableSite = true }
	disables(off, "SITE", "SITE CHMOD 600 f")(t)
	withSettings(t, off).login().want(502, "HELP SITE")
}

func settingDisableActiveMode(t *testing.T) {
	for off, want := range map[bool]int{false: 200, true: 502} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.DisableActiveMode = off }).login()
		c.want(want, "PORT 127,0,0,1,200,1")
		c.want(want, "EPRT |1|127.0.0.1|51201|")
	}
}

func settingEnableHASH(t *testing.T) {
	for on, want := range map[bool][3]int{false: {502, 502, 502}, true: {213, 250, 200}} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.EnableHASH = on }).login()
		c.want(want[0], "HASH f")
		for _, command := range []string{"XCRC", "XMD5", "MD5", "XSHA", "XSHA1", "XSHA256", "XSHA512"} {
			c.want(want[1], command+" f")
		}
		c.want(want[2], "OPTS HASH MD5")
		if c.offers("HASH") != on {
			t.Errorf("enabled %v: FEAT lists HASH: %v", on, !on)
		}
	}
}

func settingDisableSTAT(t *testing.T) {
	for off, want := range map[bool]int{false: 211, true: 502} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.DisableSTAT = off }).login()
		c.want(want, "STAT")
		c.want(213, "STAT f")
		c.want(212, "STAT /")
		c.data(epsv, "STOR up")
		c.want(want, "STAT")
	}
}

func settingDefaultTransferType(t *testing.T) {
	for kind, want := range map[ftpserver.TransferType]string{ftpserver.TransferTypeASCII: "hello\r\n", ftpserver.TransferTypeBinary: "hello\n"} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.DefaultTransferType = kind }).login()
		if got := c.get(epsv, "RETR f"); got != want {
			t.Errorf("%d: got %q", kind, got)
		}
		c.want(200, "TYPE I")
		if got := c.get(epsv, "RETR f"); got != "hello\n" {
			t.Errorf("%d, after TYPE I: got %q", kind, got)
		}
		c.want(220, "REIN")
		c.want(331, "USER u")
		c.want(230, "PASS secret")
		if got := c.get(epsv, "RETR f"); got != want {
			t.Errorf("%d, after REIN: got %q", kind, got)
		}
	}
	refuses(ftpserver.Settings{DefaultTransferType: -1}, ftpserver.Settings{DefaultTransferType: 2})(t)
}

func settingDisableASCIIConversion(t *testing.T) {
	for off, want := range map[bool]string{false: "hello\r\n", true: "hello\n"} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.DisableASCIIConversion = off }).login()
		if text := c.want(200, "TYPE A"); strings.Contains(text, "without") != off {
			t.Errorf("off %v: TYPE says %q", off, text)
		}
		if text := c.want(211, "STAT"); strings.Contains(text, "without conversion") != off || !strings.Contains(text, "Type ASCII") {
			t.Errorf("off %v: STAT says %q", off, text)
		}
		if got := c.get(epsv, "RETR f"); got != want {
			t.Errorf("off %v: got %q", off, got)
		}
	}
}

func settingActiveConnectionsCheck(t *testing.T) {
	needsLoopback(t, "127.0.0.2")
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	n := portOf(t, ln.Addr().String())
	for check, want := range map[ftpserver.DataConnectionRequirement]int{ftpserver.IPMatchRequired: 501, ftpserver.IPMatchDisabled: 200} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.ActiveConnectionsCheck, s.ActiveTransferPortNon20 = check, true }).login()
		c.want(want, fmt.Sprintf("EPRT |1|127.0.0.2|%d|", n))
		c.want(want, fmt.Sprintf("PORT 127,0,0,2,%d,%d", n>>8, n&255))
		c.want(501, "PORT 127,0,0,2,3,1") // a port below 1024 is always refused
		if want == 501 {
			continue
		}
		c.send("RETR f")
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.own(conn)
		if got, err := io.ReadAll(conn); string(got) != "hello\n" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		c.expect(150, "RETR")
		c.expect(226, "RETR")
	}
	refuses(ftpserver.Settings{ActiveConnectionsCheck: 2}, ftpserver.Settings{ActiveConnectionsCheck: -1})(t)
}

func settingPasvConnectionsCheck(t *testing.T) {
	for _, check := range []ftpserver.DataConnectionRequirement{ftpserver.IPMatchRequired, ftpserver.IPMatchDisabled} {
		c := withSettings(t, func(s *ftpserver.Settings) { s.PasvConnectionsCheck = check }).login()
		addr := c.passive(pasv)
		if check == ftpserver.IPMatchRequired {
			wantStrangerReset(t, addr)
			continue
		}
		c.send("RETR f")
		if got, err := io.ReadAll(dialFrom(t, "127.0.0.2", addr)); string(got) != "hello\n" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		c.expect(150, "RETR")
		c.expect(226, "RETR")
	}
	refuses(ftpserver.Settings{PasvConnectionsCheck: 2}, ftpserver.Settings{PasvConnectionsCheck: -1})(t)
}
