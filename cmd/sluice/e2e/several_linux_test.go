//go:build e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// haproxyHTTP is the configuration of docs/object-store.md for two servers of one bucket.
const haproxyHTTP = `
defaults
    mode http
    timeout connect 5s
    timeout client 5m
    timeout server 5m
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response

frontend web
    bind ADDR:21099
    default_backend sluice

backend sluice
    balance roundrobin
    server a A check inter 100ms send-proxy
    server b B check inter 100ms send-proxy
`

// twoServers are two servers of one bucket behind HAProxy.
type twoServers struct {
	t       *testing.T
	gateway *gateway
	servers [2]*server
	addrs   [2]string
	url     string // of HAProxy
}

func startTwo(t *testing.T) *twoServers {
	t.Helper()
	needs(t, "haproxy")
	p := &twoServers{t: t, gateway: startGateway(t), url: "http://" + balancer + ":21099/"}
	for i := range p.servers {
		p.servers[i] = p.start("127.0.0.1:0")
		p.addrs[i] = p.servers[i].http.Host
	}
	startBalancer(t, func(conf string) []string { return []string{"haproxy", "-db", "-f", conf} },
		strings.NewReplacer("ADDR", balancer, "server a A", "server a "+p.addrs[0], "server b B", "server b "+p.addrs[1]).Replace(haproxyHTTP), "21099")
	return p
}

func (p *twoServers) start(addr string) *server {
	p.t.Helper()
	s := launch{schemes: []string{"http"}}.serve(p.t, "s3://pub", "--http", addr, "--s3-endpoint", p.gateway.endpoint, "--s3-credentials", p.gateway.keys,
		"--user", login, "--write", "--proxy-from", "127.0.0.1")
	s.http = s.urls["http"]
	return s
}

// do sends a request with the password of the user, and returns status and body. The body of PUT is content.
func do(method, url string, content []byte) (status int, body []byte, err error) {
	r, err := http.NewRequest(method, url, bytes.NewReader(content))
	if err != nil {
		return 0, nil, err
	}
	r.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func (p *twoServers) want(method, url string, content []byte, status int, body string) {
	p.t.Helper()
	got, b, err := do(method, url, content)
	if err != nil || got != status || body != "" && string(b) != body {
		p.t.Errorf("%s %s: %d %.80q, %v, want %d %q", method, url, got, b, err, status, body)
	}
}

func TestServersOfABucketSeeEachOthersChangesAtOnce(t *testing.T) {
	p := startTwo(t)
	a, b := p.servers[0].http.String(), p.servers[1].http.String()
	for n := range 5 {
		text := fmt.Sprintf("version %d", n)
		status := 204
		if n == 0 {
			status = 201
		}
		p.want("PUT", a+"f", []byte(text), status, "")
		p.want("GET", b+"f", nil, 200, text)
		p.want("GET", p.url+"f", nil, 200, text)
	}
	p.want("DELETE", b+"f", nil, 204, "")
	p.want("GET", a+"f", nil, 404, "")
}

// One of two servers is killed while clients upload: each upload that was acknowledged is there, and no other is visible
// in part.
func TestAKilledServerOfABucketLosesNothingThatWasAcknowledged(t *testing.T) {
	p := startTwo(t)
	const uploads, clients = 60, 4
	content := func(n int) []byte { // most need several parts, or half of one
		b := make([]byte, 3_000_000*(1+n%6))
		nettest.PatternAt(b, int64(n))
		return b
	}
	var stored sync.Map
	var next, done atomic.Int64
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for n := next.Add(1); n <= uploads; n = next.Add(1) {
				if status, _, err := do("PUT", fmt.Sprintf("%s%d", p.url, n), content(int(n))); err == nil && status == 201 {
					stored.Store(int(n), true)
				}
				done.Add(1)
			}
		})
	}
	eventually(t, "a third of the uploads are done", func() bool { return done.Load() > uploads/3 })
	p.servers[0].checked = true
	_ = p.servers[0].process.Kill()
	running.Wait()
	acknowledged := 0
	for n := 1; n <= uploads; n++ {
		_, isStored := stored.Load(n)
		status, body, err := do("GET", fmt.Sprintf("%s%d", p.servers[1].http, n), nil)
		isWhole := status == 200 && sha256.Sum256(body) == sha256.Sum256(content(n))
		switch {
		case err != nil || status != 200 && status != 404:
			t.Errorf("upload %d: %d, %v", n, status, err)
		case isStored && !isWhole:
			t.Errorf("upload %d was acknowledged, and there are %d bytes with status %d", n, len(body), status)
		case status == 200 && !isWhole:
			t.Errorf("%d bytes of upload %d are visible", len(body), n)
		}
		if isStored {
			acknowledged++
		}
	}
	if acknowledged < uploads/2 {
		t.Errorf("only %d of %d uploads were acknowledged, although one server went on", acknowledged, uploads)
	}
}

// Both servers are replaced in turn while clients send requests, of which none fails.
func TestARollingRestartFailsNoRequest(t *testing.T) {
	p := startTwo(t)
	writePattern(t, filepath.Join(p.gateway.dir, "f"), 200_000)
	stop := make(chan struct{})
	var sent atomic.Int64
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			client := &http.Client{Transport: new(http.Transport), Timeout: time.Minute}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := client.Get(p.url + "f")
				if err != nil {
					t.Error(err)
					continue
				}
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || sha256.Sum256(body) != nettest.PatternSum(0, 200_000) {
					t.Errorf("status %d, %d bytes, %v", resp.StatusCode, len(body), err)
				}
				sent.Add(1)
			}
		})
	}
	more := func() {
		before := sent.Load()
		eventually(t, "further requests were answered", func() bool { return sent.Load() > before+200 })
	}
	more()
	for i, s := range p.servers {
		s.signal(syscall.SIGTERM)
		s.wantExit(patience)
		more()
		p.servers[i] = p.start(p.addrs[i])
		eventually(t, "HAProxy uses the new server", func() bool { return strings.Contains(p.servers[i].log.String(), "status=200") })
	}
	more()
	close(stop)
	running.Wait()
	t.Logf("%d requests", sent.Load())
}
