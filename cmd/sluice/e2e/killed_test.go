//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// A client that is killed half-way has published nothing: the kernel ends its data
// connection as if all had gone, unless that is protected.
func TestTheUploadOfAClientThatIsKilledIsNotPublished(t *testing.T) {
	k := newKilling(t)
	k.server = startWritable(t, append(newPair(t).flags(), "--ftp-keep-partials", "0")...)
	k.old = []byte("old")
	k.kill(times(1), inClear, byTLS)
}

// Of such users the end of TLS proves nothing, as that of TCP does.
func TestTheUploadOfAClientThatIsKilledIsNotPublishedWithLaxTLS(t *testing.T) {
	k := newKilling(t)
	k.server = startWritable(t, append(newPair(t).flags(), "--ftp-keep-partials", "0", "--ftp-lax-tls", user)...)
	k.old = []byte("old")
	k.kill(times(1), byTLS)
}

func TestTheUploadOfAClientThatIsKilledCanBeResumed(t *testing.T) {
	k := newKilling(t)
	k.server = startWritable(t, newPair(t).flags()...)
	k.afterwards = k.resume
	k.kill(times(1), inClear, byTLS)
}

// protection is how a client uploads.
type protection string

const (
	inClear protection = "in clear"
	byTLS   protection = "by TLS"
)

// uploader is a client that uploads the file up, which is in its working directory.
type uploader struct {
	name  string
	piped bool  // it is its standard input, from a producer
	least int64 // bytes that have arrived when it is killed; three times that at most
	argv  func(address string, p protection, name string) []string
}

var uploaders = []uploader{
	{"curl at 20 MB/s", false, 1 << 20, curlUploads("--limit-rate", "20M", "-T", "up")},
	{"curl at full speed", false, 10 << 20, curlUploads("-T", "up")},
	{"curl behind a pipe", true, 10 << 20, curlUploads("-T", "-")},
	{"lftp at 20 MB/s", false, 1 << 20, lftpUploads("set net:limit-rate 20M")},
	{"lftp at full speed", false, 10 << 20, lftpUploads("set net:limit-rate 0")},
	{"ftplib", false, 10 << 20, ftplibUploads},
}

func curlUploads(flags ...string) func(string, protection, string) []string {
	return func(address string, p protection, name string) []string {
		argv := append([]string{"curl", "-sS"}, flags...)
		if p == byTLS {
			argv = append(argv, "--ssl-reqd", "-k")
		}
		return append(argv, "ftp://"+login+"@"+address+"/"+name)
	}
}

func lftpUploads(setting string) func(string, protection, string) []string {
	return func(address string, p protection, name string) []string {
		ssl := "set ftp:ssl-allow no"
		if p == byTLS {
			ssl = "set ftp:ssl-force true; set ftp:ssl-protect-data true; set ssl:verify-certificate no"
		}
		return []string{"lftp", "-c", fmt.Sprintf("set cmd:fail-exit yes; set net:max-retries 1; %s; %s; open -u %s,%s ftp://%s; put up -o %s",
			ssl, setting, user, password, address, name)}
	}
}

func ftplibUploads(address string, p protection, name string) []string {
	const script = `
import ftplib, sys
host, port, user, password, protection, name = sys.argv[1:]
f = ftplib.FTP_TLS(timeout=20) if protection == 'by TLS' else ftplib.FTP(timeout=20)
f.connect(host, int(port))
f.login(user, password)
if protection == 'by TLS':
    f.prot_p()
f.storbinary('STOR ' + name, open('up', 'rb'))
f.quit()
`
	host, port, _ := net.SplitHostPort(address)
	return []string{"/usr/bin/python3", "-c", script, host, port, user, password, string(p), name}
}

// killing kills clients in the middle of their uploads.
type killing struct {
	*server
	dir     string // where the clients are, with the file up
	env     []string
	wrapper []string // of the clients, which must become them
	workers int      // that kill at the same time

	old        []byte                  // what the target holds before; nil: there is none
	afterwards func(name string) error // is called when an upload was not published; nil: nothing is
}

const killedSize = 48 << 20

var killedSum = sync.OnceValue(func() [sha256.Size]byte { return nettest.PatternSum(0, killedSize) })

func newKilling(t *testing.T) *killing {
	t.Helper()
	k := &killing{dir: t.TempDir(), env: environ(t), workers: 3}
	writePattern(t, filepath.Join(k.dir, "up"), killedSize)
	return k
}

// way is one of those in which a client is killed.
type way struct {
	uploader
	protection
	signal syscall.Signal
}

func (w way) String() string { return fmt.Sprintf("%s %s, %v", w.name, w.protection, w.signal) }

// kill kills each uploader n times by each signal, half-way: a client that was through
// does not count.
func (k *killing) kill(n int, protections ...protection) {
	k.t.Helper()
	var ways []way
	for _, u := range uploaders {
		needs(k.t, u.argv("", inClear, "")[0])
		for _, p := range protections {
			ways = append(ways, way{u, p, syscall.SIGKILL}, way{u, p, syscall.SIGINT})
		}
	}
	tryEach(k.t, n, k.workers, ways, func(w way, name string) error {
		const tries = 10 // the fastest are through at times
		for i := range tries {
			halfWay, err := k.try(w, fmt.Sprintf("%s-%d", name, i), w.least+rand.Int64N(2*w.least))
			if halfWay || err != nil {
				return err
			}
		}
		return fmt.Errorf("%d clients were through before they could be killed", tries)
	})
}

// try kills a client when the server has that many bytes of its upload. halfWay reports
// that this was before the end. The error says what is wrong with what there is then.
func (k *killing) try(w way, name string, at int64) (halfWay bool, err error) {
	target := k.path(name)
	if k.old != nil {
		if err := os.WriteFile(target, k.old, 0o644); err != nil {
			return false, err
		}
	}
	defer os.Remove(target)
	through, err := k.upload(w, name, at)
	if err != nil {
		return false, err
	}
	fields := k.logged(name)
	if fields == nil {
		return false, errors.New("the upload is not in the log")
	}
	halfWay = !slices.Contains(fields, fmt.Sprintf("bytes=%d", killedSize))
	switch got, err := os.ReadFile(target); {
	case err != nil && (k.old != nil || !errors.Is(err, fs.ErrNotExist)):
		return false, err
	case len(got) == killedSize && sha256.Sum256(got) == killedSum():
		return false, nil
	case through:
		return false, fmt.Errorf("the client has succeeded, and there are %d bytes", len(got))
	case string(got) != string(k.old):
		return false, fmt.Errorf("%d bytes are published", len(got))
	case k.afterwards != nil:
		return halfWay, k.afterwards(name)
	}
	return halfWay, nil
}

// upload lets a client upload, and kills it when the server has that many bytes.
// through reports that it has ended before, and well.
func (k *killing) upload(w way, name string, at int64) (through bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	argv := append(slices.Clone(k.wrapper), "env", "--default-signal=INT") // it is ignored by what runs in the background
	argv = append(argv, w.argv(k.ftp.Host, w.protection, name)...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = k.dir, k.env, patience
	if w.piped {
		cmd.Stdin = nettest.Pattern(killedSize)
	}
	said := newLines()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for k.arrived(name) < at {
		select {
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("%w: %s", err, said)
			}
			return err == nil, err
		case <-time.After(time.Millisecond):
		}
	}
	_ = cmd.Process.Signal(w.signal) // it may have ended
	return <-ended == nil, nil
}

// arrived returns how much of the upload of that name the server has.
func (k *killing) arrived(name string) (size int64) {
	parts, _ := filepath.Glob(k.path("." + name + ".*.sluice-part"))
	for _, part := range parts {
		if info, err := os.Stat(part); err == nil {
			size = max(size, info.Size())
		}
	}
	return size
}

// resume goes on with an upload where SIZE says, and wants that it is whole then.
func (k *killing) resume(name string) error {
	c, err := dialFTP(context.Background(), k.ftp.Host, user, password)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	text, err := c.do(213, "SIZE "+name)
	if err != nil {
		return err
	}
	var kept int64
	if _, err := fmt.Sscanf(text, "213 %d", &kept); err != nil {
		return err
	}
	data, err := c.transfer(context.Background(), "APPE "+name)
	if err != nil {
		return err
	}
	u := upload{client: c, data: data, off: kept}
	if err := u.finish(killedSize); err != nil {
		return err
	}
	if got, err := os.ReadFile(k.path(name)); err != nil || sha256.Sum256(got) != killedSum() {
		return fmt.Errorf("resumed at %d, the file has %d bytes, not those of the pattern: %v", kept, len(got), err)
	}
	return nil
}
