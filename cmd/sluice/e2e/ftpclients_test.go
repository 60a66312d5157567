//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Tests of old FTP clients of Unix systems, which parse listings in different ways.

// address returns the host and port of the FTP listener.
func (s *server) address() (host, port string) { return s.ftp.Hostname(), s.ftp.Port() }

func TestNcftpCopiesATreeBothWays(t *testing.T) {
	s := startWritable(t)
	host, port := s.address()
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "tree", "a b.txt"), 100_000)
	writePattern(t, filepath.Join(dir, "tree", "sub", "deeper", "c.bin"), 1_000_000)
	writePattern(t, filepath.Join(dir, "tree", "empty"), 0)
	run(t, dir, "ncftpput", "-R", "-v", "-u", user, "-p", password, "-P", port, host, "/", "tree")
	wantSameTree(t, s.path("tree"), filepath.Join(dir, "tree"))
	run(t, dir, "ncftpget", "-R", "-v", "-u", user, "-p", password, "-P", port, host, "copy", "/tree")
	wantSameTree(t, filepath.Join(dir, "copy", "tree"), filepath.Join(dir, "tree"))
	if got := run(t, dir, "ncftpls", "-u", user, "-p", password, "-P", port, fmt.Sprintf("ftp://%s/tree/", host)); !strings.Contains(got, "a b.txt") {
		t.Errorf("ncftpls: %q", got)
	}
}

func TestTnftpGetsFilesThatMatchAPattern(t *testing.T) {
	s := startWritable(t)
	host, port := s.address()
	for _, name := range []string{"a.txt", "b.txt", "c.bin", "sub/d.txt"} {
		s.file(name, 10_000)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	writePattern(t, filepath.Join(dir, "up.bin"), 50_000)
	cmd := command(t, dir, "tnftp", "-n", "-i", "-v", host, port)
	cmd.Stdin = strings.NewReader(strings.Join([]string{
		"user " + user + " " + password, "binary", "mget *.txt", "mget sub/*.txt",
		"put up.bin", "mkdir made", "rename up.bin made/up.bin", "size made/up.bin", "modtime a.txt", "ls", "mls", "quit",
	}, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"a.txt", "b.txt", "sub/d.txt"} {
		wantPattern(t, filepath.Join(dir, filepath.FromSlash(name)), 0, 10_000)
	}
	if _, err := os.Stat(filepath.Join(dir, "c.bin")); err == nil {
		t.Error("c.bin was downloaded too")
	}
	wantPattern(t, s.path("made/up.bin"), 0, 50_000)
	if !strings.Contains(string(out), "50000") {
		t.Errorf("no size of 50000 in\n%s", out)
	}
}

// Many scripts use Python's ftplib. Its abort() hangs if a server loses the urgent byte.
func TestPythonsFtplib(t *testing.T) {
	certificate := newPair(t)
	s := startWritable(t, certificate.flags()...)
	s.file("f", 5_000_000)
	s.file("sub/g", 10)
	host, port := s.address()
	dir := t.TempDir()
	script := `
import ftplib, io, ssl, sys
host, port, user, password = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]

def use(f):
    f.login(user, password)
    if hasattr(f, 'prot_p'):
        f.prot_p()
    assert f.pwd() == '/', f.pwd()
    assert f.mkd('made "so"') == '/made "so"'
    f.cwd('made "so"')
    assert f.pwd() == '/made "so"', f.pwd()
    f.cwd('..')
    f.rmd('made "so"')
    assert sorted(f.nlst()) == ['f', 'sub'], f.nlst()
    assert f.nlst('sub') == ['sub/g'], f.nlst('sub')
    facts = dict(f.mlsd('', ['type', 'size']))
    assert facts['f'] == {'type': 'file', 'size': '5000000'}, facts
    assert facts['.']['type'] == 'cdir' and facts['sub']['type'] == 'dir', facts
    lines = []
    f.dir(lines.append)
    assert len(lines) == 2 and lines[0].startswith('-rw'), lines
    assert f.size('f') == 5000000
    got = io.BytesIO()
    f.retrbinary('RETR f', got.write)
    whole = got.getvalue()
    got = io.BytesIO()
    f.retrbinary('RETR f', got.write, rest=4999000)
    assert got.getvalue() == whole[4999000:]
    f.storbinary('STOR up', io.BytesIO(whole))
    f.storbinary('STOR up', io.BytesIO(b'tail'), rest=5000000)
    assert f.size('up') == 5000004
    f.storlines('STOR text', io.BytesIO(b'one\ntwo\n'))
    lines = []
    f.retrlines('RETR text', lines.append)
    assert lines == ['one', 'two'], lines
    f.rename('up', 'sub/up')
    f.delete('sub/up')
    f.delete('text')
    for wrong in (lambda: f.delete('sub'), lambda: f.rmd('f'), lambda: f.cwd('f'), lambda: f.size('nothing')):
        try:
            wrong()
        except ftplib.error_perm:
            continue
        raise AssertionError('no error')
    f.quit()

f = ftplib.FTP(timeout=20)
f.connect(host, port)
use(f)

f = ftplib.FTP(timeout=20)
f.connect(host, port)
f.set_pasv(False)
use(f)

context = ssl.create_default_context(cafile=sys.argv[5])
f = ftplib.FTP_TLS(timeout=20, context=context)
f.connect('localhost', port)
f.af = f.sock.family
use(f)

f = ftplib.FTP(timeout=20)
f.connect(host, port)
f.login(user, password)
conn = f.transfercmd('RETR f')
conn.recv(1000)
f.abort()
conn.close()
f.voidcmd('NOOP')
f.quit()
print('all well')
`
	if got := run(t, dir, "python3", "-c", script, host, port, user, password, certificate.cert()); !strings.Contains(got, "all well") {
		t.Errorf("got %s", got)
	}
}

func TestLftpMirrorsByFTPS(t *testing.T) {
	s := startWritable(t, append([]string{"--ftp-tls", "required", "--ftp-tls-reuse", "required"}, newPair(t).flags()...)...)
	dir := t.TempDir()
	manyFiles(t, dir, 100) // each file takes a TLS handshake in each direction
	writePattern(t, filepath.Join(dir, "large"), 20<<20)
	secure := "set ftp:ssl-force yes; set ftp:ssl-protect-data yes"
	s.lftp(dir, secure, "mirror -R --parallel=4 . /")
	wantSameTree(t, s.dir, dir)
	copied := filepath.Join(t.TempDir(), "copy")
	s.lftp(dir, secure, "mirror --parallel=4 / "+copied)
	wantSameTree(t, copied, dir)
}

func TestLftpMirrorsInParallel(t *testing.T) {
	s := startWritable(t, "--ftp-passive-ports", "41010-41029")
	manyFiles(t, s.dir, 500)
	dir := filepath.Join(t.TempDir(), "copy")
	s.lftp(t.TempDir(), "mirror --parallel=8 --use-pget-n=3 / "+dir)
	wantSameTree(t, dir, s.dir)
}

func TestWgetMirrorsByFTP(t *testing.T) {
	s := start(t)
	for i, name := range []string{"a.txt", "b c.txt", "sub/d.bin", "sub/deeper/Grüße", "日本/東京"} {
		s.file(name, int64(i*100_000))
	}
	dir := t.TempDir()
	run(t, dir, "wget", "-q", "-r", "-nH", "-l", "inf", "--restrict-file-names=nocontrol", "-P", "copy", s.ftp.String())
	wantSameTree(t, filepath.Join(dir, "copy"), s.dir)
}

func TestCurlUsesManyFTPCommands(t *testing.T) {
	s := startWritable(t)
	s.file("sub/f", 100_000)
	writePattern(t, s.path("a.txt"), 10)
	dir := t.TempDir()
	if got := curl(t, dir, "-l", s.urlOf("ftp", "sub/")); got != "f\n" && got != "f\r\n" {
		t.Errorf("a list of names: %q", got)
	}
	if got := curl(t, dir, "-I", s.urlOf("ftp", "sub/f")); !strings.Contains(got, "Content-Length: 100000") || !strings.Contains(got, "Last-Modified: ") {
		t.Errorf("about a file: %q", got)
	}
	for _, options := range [][]string{
		{"--ftp-method", "multicwd"},
		{"--ftp-method", "nocwd"},
		{"--ftp-method", "singlecwd"},
		{"--ftp-skip-pasv-ip", "--disable-epsv"},
		{"--ftp-pasv"},
		{"-P", "-"},
		{"-P", "-", "--disable-eprt"},
	} {
		curl(t, dir, append(options, "-o", "got", s.urlOf("ftp", "sub/f"))...)
		wantPattern(t, filepath.Join(dir, "got"), 0, 100_000)
	}
	writePattern(t, filepath.Join(dir, "up"), 70_000)
	curl(t, dir, "-u", login, "--ftp-create-dirs", "-T", "up", "-Q", "-RNFR up", "-Q", "-RNTO moved", s.urlOf("ftp", "new/dir/up"))
	wantPattern(t, s.path("new/dir/moved"), 0, 70_000)
	curl(t, dir, "-u", login, "-a", "-T", "up", s.urlOf("ftp", "new/dir/moved"))
	if info, err := os.Stat(s.path("new/dir/moved")); err != nil || info.Size() != 140_000 {
		t.Errorf("appended: %v, %v", info, err)
	}
	curl(t, dir, "-u", login, "-Q", "DELE a.txt", "-l", s.urlOf("ftp", ""))
	if _, err := os.Stat(s.path("a.txt")); err == nil {
		t.Error("a.txt is still there")
	}
}
