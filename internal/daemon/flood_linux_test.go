package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/account"
	"sluice/internal/config"
)

// flood sends wrong logins by HTTP and FTP from many addresses. On Linux any address of
// 127.0.0.0/8 can be the source of a connection to this host.
type flood struct {
	d        *loginTest
	client   *http.Client
	patience time.Duration // of a client that sends a wrong login
	answered atomic.Int64  // wrong logins
	running  sync.WaitGroup
	sent     int
}

// newFloodTest serves alice, whose password has the default number of iterations.
func newFloodTest(t testing.TB) *flood {
	t.Helper()
	hash, err := account.NewHash("secret", account.DefaultIterations)
	if err != nil {
		t.Fatal(err)
	}
	conf := config.Default()
	conf.File, conf.AccessLog = "f.toml", false
	conf.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} // by HTTP a field names the client
	conf.Users = []config.User{{Account: account.Account{Name: "alice"}, Password: hash}}
	d := newLoginTest(t, conf)
	d.write(t, map[string]string{"f": "x"})
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	return &flood{d: d, client: &http.Client{Transport: transport}, patience: time.Minute}
}

// send sends wrong logins from another address than before, one by HTTP and one by FTP. It
// does not wait for the answers.
func (f *flood) send(ctx context.Context) {
	f.sent++
	n := f.sent
	name := fmt.Sprint("user", n)
	if n%2 == 0 {
		name = "alice"
	}
	f.attempt(ctx, func(ctx context.Context) {
		if status, err := f.get(ctx, fmt.Sprintf("198.18.%d.%d", n>>8&0xff, n&0xff), name, "wrong"); err == nil && status == http.StatusUnauthorized {
			f.answered.Add(1)
		}
	})
	f.attempt(ctx, func(ctx context.Context) {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}}
		if code, err := f.logInFTP(ctx, dialer, name, "wrong"); err == nil && code == 530 {
			f.answered.Add(1)
		}
	})
}

// attempt calls send on a goroutine, with a context that ends after f.patience.
func (f *flood) attempt(ctx context.Context, send func(context.Context)) {
	f.running.Go(func() {
		ctx, giveUp := context.WithTimeout(ctx, f.patience)
		defer giveUp()
		send(ctx)
	})
}

// get requests a file as a user at an address, and returns the status.
func (f *flood) get(ctx context.Context, addr, user, password string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+f.d.http+"/f", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("X-Forwarded-For", addr)
	r.SetBasicAuth(user, password)
	resp, err := f.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// logInFTP logs in on a new connection, and returns the code of the reply to PASS.
func (f *flood) logInFTP(ctx context.Context, dialer net.Dialer, user, password string) (int, error) {
	conn, err := dialer.DialContext(ctx, "tcp", f.d.ftp)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	c := textproto.NewConn(conn)
	for _, step := range []struct {
		command string
		code    int
	}{{"", 220}, {"USER " + user, 331}} {
		if step.command != "" {
			if err := c.PrintfLine("%s", step.command); err != nil {
				return 0, err
			}
		}
		if _, _, err := c.ReadResponse(step.code); err != nil {
			return 0, err
		}
	}
	if err := c.PrintfLine("PASS %s", password); err != nil {
		return 0, err
	}
	code, _, err := c.ReadResponse(0)
	return code, err
}

// The methods logIn log alice in, from an address where she has logged in before. FTP is
// on a new connection each time, as clients do it.
func (f *flood) logIn(ctx context.Context, protocol string) error {
	code, want := 0, http.StatusOK
	var err error
	if protocol == "HTTP" {
		code, err = f.get(ctx, "192.0.2.1", "alice", "secret")
	} else {
		want = 230
		code, err = f.logInFTP(ctx, net.Dialer{}, "alice", "secret")
	}
	if err == nil && code != want {
		err = fmt.Errorf("got %d, want %d", code, want)
	}
	return err
}

var floodProtocols = []string{"HTTP", "FTP"}

// Numbers of answers are compared, not times: 200 strangers have one turn each, of twice
// the time of a hash, so only a few of them can be answered before a user who waits for
// none of them. Most of the time of the test is that of the first turn.
func TestAUserLogsInNextTo200WrongLogins(t *testing.T) {
	const strangers, rights = 200, 50
	f := newFloodTest(t)
	for _, protocol := range floodProtocols {
		if err := f.logIn(t.Context(), protocol); err != nil { // both addresses are known now
			t.Fatal(protocol, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer f.running.Wait()
	defer stop()
	for range strangers / 2 {
		f.send(ctx)
	}
	for f.answered.Load() == 0 { // the others wait
		if err := f.logIn(t.Context(), "HTTP"); err != nil {
			t.Fatal(err)
		}
	}
	before := f.answered.Load()
	for range rights {
		for _, protocol := range floodProtocols {
			if err := f.logIn(t.Context(), protocol); err != nil {
				t.Fatal(protocol, err)
			}
		}
	}
	if got := f.answered.Load(); got-before > strangers/4 || got > strangers/2 {
		t.Errorf("%d of %d strangers were answered before %d logins of a user: it waits for them", got, strangers, 2*rights)
	}
}

// BenchmarkRightLogins prints how long right logins take, alone and next to 200 wrong ones a
// second from as many addresses, whose clients give up after two seconds:
//
//	go test -run=NONE -bench=RightLogins -benchtime=2000x ./internal/daemon
//
// That takes 10 s for each of the four, because there are 200 right logins a second too; the
// time for an operation has that pause in it. The HTTP client keeps its connection; by FTP
// each login has a new one.
func BenchmarkRightLogins(b *testing.B) {
	for _, protocol := range floodProtocols {
		for _, attack := range []bool{false, true} {
			name := protocol + "/alone"
			if attack {
				name = protocol + "/next to 200 wrong ones a second"
			}
			b.Run(name, func(b *testing.B) {
				f := newFloodTest(b)
				logIn := func() {
					if err := f.logIn(b.Context(), protocol); err != nil {
						b.Fatal(err)
					}
				}
				logIn()
				ctx, stop := context.WithCancel(b.Context())
				var attacking sync.WaitGroup
				if attack {
					f.patience = 2 * time.Second
					attacking.Go(func() { f.sendRegularly(ctx) })
					for f.answered.Load() == 0 {
						logIn()
					}
				}
				var took []time.Duration
				pause := time.NewTicker(5 * time.Millisecond)
				defer pause.Stop()
				for b.Loop() {
					<-pause.C
					begun := time.Now()
					logIn()
					took = append(took, time.Since(begun))
				}
				stop()
				attacking.Wait()
				f.running.Wait()
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
				if attack {
					b.ReportMetric(float64(f.answered.Load()), "answered")
				}
			})
		}
	}
}

// sendRegularly sends 200 wrong logins a second until ctx ends.
func (f *flood) sendRegularly(ctx context.Context) {
	ticks := time.NewTicker(time.Second / 100) // send sends two
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			f.send(ctx)
		case <-ctx.Done():
			return
		}
	}
}
