//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The addresses of the load balancer, and of the two servers behind it, whose ranges of passive ports it passes on. Linux
// answers on all of 127.0.0.0/8.
const balancer = "127.0.0.20"

var balanced = []struct{ addr, ports string }{
	{"127.0.0.21", "21100-21119"},
	{"127.0.0.22", "21120-21139"},
}

const haproxyConf = `
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m

listen ftp
    bind ADDR:21099
    balance source
    server a A send-proxy
    server b B send-proxy-v2

listen ftp-data-a
    bind ADDR:21100-21119
    server a 127.0.0.21 send-proxy

listen ftp-data-b
    bind ADDR:21120-21139
    server b 127.0.0.22 send-proxy-v2
`

const nginxStreamConf = `
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
pid DIR/nginx.pid;
error_log stderr;
events { }
stream {
    upstream ftp {
        hash $remote_addr;
        server A;
        server B;
    }
    proxy_protocol on;
    server {
        listen ADDR:21099;
        proxy_pass ftp;
    }
    server {
        listen ADDR:21100-21119;
        proxy_pass 127.0.0.21:$server_port;
    }
    server {
        listen ADDR:21120-21139;
        proxy_pass 127.0.0.22:$server_port;
    }
}
`

// Two servers of one directory behind a load balancer, as docs/ftp.md sets it up.
func TestFTPBehindALoadBalancer(t *testing.T) {
	for _, lb := range []struct {
		name, conf string
		argv       func(conf string) []string
	}{
		{"haproxy", haproxyConf, func(conf string) []string { return []string{"haproxy", "-db", "-f", conf} }},
		{"nginx", nginxStreamConf, func(conf string) []string { return []string{"nginx", "-c", conf} }},
	} {
		t.Run(lb.name, func(t *testing.T) {
			needs(t, lb.name)
			dir := t.TempDir()
			writePattern(t, filepath.Join(dir, "f"), 3<<20)
			var servers []*server
			var addrs []string
			for _, b := range balanced {
				s := launch{schemes: []string{"ftp"}}.serve(t, dir, "--ftp", b.addr+":0", "--ftp-passive-ports", b.ports,
					"--ftp-proxy-from", "127.0.0.1", "--ftp-active=false", "--user", login, "--write")
				servers, addrs = append(servers, s), append(addrs, s.urls["ftp"].Host)
			}
			startBalancer(t, lb.argv, strings.NewReplacer("ADDR", balancer, "server a A", "server a "+addrs[0], "server b B", "server b "+addrs[1],
				"server A;", "server "+addrs[0]+";", "server B;", "server "+addrs[1]+";", "DIR", t.TempDir()).Replace(lb.conf), "21139")

			url := "ftp://" + balancer + ":21099/"
			for n := range 8 {
				client := fmt.Sprintf("127.0.0.%d", 30+n)
				got, name := filepath.Join(t.TempDir(), "got"), fmt.Sprintf("up%d", n)
				run(t, dir, "curl", "-sS", "--interface", client, "-u", login, "-o", got, url+"f")
				wantPattern(t, got, 0, 3<<20)
				run(t, dir, "curl", "-sS", "--interface", client, "--disable-epsv", "-u", login, "-T", got, url+name)
				wantPattern(t, filepath.Join(dir, name), 0, 3<<20)
				for _, want := range []string{"method=sendfile", "method=splice"} {
					eventually(t, client+" in a log with "+want, func() bool {
						return strings.Contains(linesWith(servers, "remote="+client+":"), want)
					})
				}
			}
			out := filepath.Join(t.TempDir(), "lftp")
			run(t, dir, "lftp", "-c", "set net:max-retries 1; set ftp:prefer-epsv no; open -u "+strings.Replace(login, ":", ",", 1)+" "+url+"; get f -o "+out)
			wantPattern(t, out, 0, 3<<20) // by the address that PASV announces
			for i, s := range servers {
				if linesWith([]*server{s}, "method=") == "" {
					t.Errorf("server %d has served nobody", i)
				}
			}
		})
	}
}

// linesWith returns the lines of the logs that contain text.
func linesWith(servers []*server, text string) string {
	var found strings.Builder
	for _, s := range servers {
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, text) {
				found.WriteString(line)
			}
		}
	}
	return found.String()
}

// startBalancer starts a load balancer with that configuration, and waits until it listens on a port.
func startBalancer(t *testing.T, argv func(conf string) []string, text, port string) {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := argv(conf)
	runToTheEnd(t, args[0], args[1:]...)
	eventually(t, args[0]+" listens", func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort(balancer, port))
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}
