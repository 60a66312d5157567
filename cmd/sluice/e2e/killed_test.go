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

// The upload of a killed client must not be published, although without TLS the kernel
// ends the data connection as after a complete upload.
func TestTheUploadOfAClientThatIsKilledIsNotPublished(t *testing.T) {
	k := newKillTest(t)
	k.server = startWritable(t, append(newPair(t).flags(), "--ftp-keep-partials", "0")...)
	k.old = []byte("old")
	k.kill(times(1), inClear, byTLS)
}

// With --ftp-lax-tls the end of TLS proves no more than that of TCP.
func TestTheUploadOfAClientThatIsKilledIsNotPublishedWithLaxTLS(t *testing.T) {
	k := newKillTest(t)
	k.server = startWritable(t, append(newPair(t).flags(), "--ftp-keep-partials", "0", "--ftp-lax-tls", user)...)
	k.old = []byte("old")
	k.kill(times(1), byTLS)
}

func TestTheUploadOfAClientThatIsKilledCanBeResumed(t *testing.T) {
	k := newKillTest(t)
	k.server = startWritable(t, newPair(t).flags()...)
	k.afterwards = k.resume
	k.kill(times(1), inClear, byTLS)
}

// protection says whether a client uses TLS.
type protection string

const (
	inClear protection = "in clear"
	byTLS   protection = "by TLS"
)

// uploader is a client that uploads the file up in its working directory.
type uploader struct {
	name  string
	piped bool  // the client uploads its standard input instead
	least int64 // the client is killed when least to 3*least bytes have arrived
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

// curlUploads, lftpUploads and ftplibUploads return values for uploader.argv.
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

// killTest kills clients in the middle of their uploads.
type killTest struct {
	*server
	dir     string // working directory of the clients, with the file up
	env     []string
	wrapper []string // a command that executes the client in its own place; nil: none
	workers int      // clients at the same time

	old        []byte                  // content of the target before the upload; nil: no file
	afterwards func(name string) error // called if the upload was not published; may be nil
}

const killedSize = 48 << 20

var killedSum = sync.OnceValue(func() [sha256.Size]byte { return nettest.PatternSum(0, killedSize) })

func newKillTest(t *testing.T) *killTest {
	t.Helper()
	k := &killTest{dir: t.TempDir(), env: environ(t), workers: 3}
	writePattern(t, filepath.Join(k.dir, "up"), killedSize)
	return k
}

// killCase is a client, its protection, and the signal that kills it.
type killCase struct {
	uploader
	protection
	signal syscall.Signal
}

func (w killCase) String() string { return fmt.Sprintf("%s %s, %v", w.name, w.protection, w.signal) }

// kill kills each uploader n times by each signal during its upload. Clients that
// complete before the signal do not count.
func (k *killTest) kill(n int, protections ...protection) {
	k.t.Helper()
	var cases []killCase
	for _, u := range uploaders {
		needs(k.t, u.argv("", inClear, "")[0])
		for _, p := range protections {
			cases = append(cases, killCase{u, p, syscall.SIGKILL}, killCase{u, p, syscall.SIGINT})
		}
	}
	tryEach(k.t, n, k.workers, cases, func(w killCase, name string) error {
		const tries = 10 // fast clients sometimes complete first
		for i := range tries {
			halfWay, err := k.try(w, fmt.Sprintf("%s-%d", name, i), w.least+rand.Int64N(2*w.least))
			if halfWay || err != nil {
				return err
			}
		}
		return fmt.Errorf("%d clients completed before they could be killed", tries)
	})
}

// try kills a client when the server has received at bytes of its upload, and checks the
// target. halfWay reports whether the upload was incomplete.
func (k *killTest) try(w killCase, name string, at int64) (halfWay bool, err error) {
	target := k.path(name)
	if k.old != nil {
		if err := os.WriteFile(target, k.old, 0o644); err != nil {
			return false, err
		}
	}
	defer os.Remove(target)
	completed, err := k.upload(w, name, at)
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
	case completed:
		return false, fmt.Errorf("the client has succeeded, but the file has %d bytes", len(got))
	case string(got) != string(k.old):
		return false, fmt.Errorf("an incomplete upload of %d bytes is published", len(got))
	case k.afterwards != nil:
		return halfWay, k.afterwards(name)
	}
	return halfWay, nil
}

// upload runs a client and kills it when the server has received at bytes. completed
// reports whether the client ended before that with success.
func (k *killTest) upload(w killCase, name string, at int64) (completed bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	argv := append(slices.Clone(k.wrapper), "env", "--default-signal=INT") // background processes may inherit an ignored SIGINT
	argv = append(argv, w.argv(k.ftp.Host, w.protection, name)...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = k.dir, k.env, patience
	if w.piped {
		cmd.Stdin = nettest.Pattern(killedSize)
	}
	output := newLines()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for k.arrived(name) < at {
		select {
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("%w: %s", err, output)
			}
			return err == nil, err
		case <-time.After(time.Millisecond):
		}
	}
	_ = cmd.Process.Signal(w.signal) // fails if the client has ended
	return <-ended == nil, nil
}

// arrived returns how many bytes of the upload the server has received.
func (k *killTest) arrived(name string) (size int64) {
	parts, _ := filepath.Glob(k.path("." + name + ".*.sluice-part"))
	for _, part := range parts {
		if info, err := os.Stat(part); err == nil {
			size = max(size, info.Size())
		}
	}
	return size
}

// resume resumes an upload at the size that SIZE returns, and checks the complete file.
func (k *killTest) resume(name string) error {
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
