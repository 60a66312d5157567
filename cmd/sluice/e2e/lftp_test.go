//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lftp runs lftp commands in dir, logged in as the user who may write. Each must succeed at
// the first attempt.
func (s *server) lftp(dir string, commands ...string) string {
	s.t.Helper()
	script := append([]string{
		"set cmd:fail-exit yes",
		"set net:max-retries 1",
		"set net:timeout 10",
		"set ftp:charset UTF-8",
		"set ssl:verify-certificate no",
		fmt.Sprintf("open -u %s,%s %s", user, password, s.ftp),
	}, commands...)
	return run(s.t, dir, "lftp", "-c", strings.Join(script, "; "))
}

// manyFiles makes a tree of n small files in nested directories, with names that are
// difficult in listings.
func manyFiles(t *testing.T, root string, n int) {
	t.Helper()
	for i := range n {
		dir := []string{"", "plain", "plain/deeper/and deeper", "Ελλάδα", "日本/東京 🌊", "-dash"}[i%6]
		base := []string{"file %d.txt", "Grüße%d", "100%% #%d", `q"u'o%dte`, "[%d]*?", " lead%d", "semi;colon%d&"}[i%7]
		writePattern(t, filepath.Join(root, dir, fmt.Sprintf(base, i)), int64(i*7))
	}
	if err := os.MkdirAll(filepath.Join(root, "nothing in it"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestLftpMirrorsATree(t *testing.T) {
	s := startWritable(t)
	manyFiles(t, s.dir, 500)
	for _, tt := range []struct{ name, setting string }{
		{"by MLSD", "set ftp:use-mlsd yes"},
		{"by LIST", "set ftp:use-mlsd no"},
		{"by LIST in active mode", "set ftp:use-mlsd no; set ftp:passive-mode no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			s.lftp(t.TempDir(), tt.setting, "mirror / "+dir)
			wantSameTree(t, dir, s.dir)
		})
	}
}

func TestLftpMirrorsWithFtpserverlib(t *testing.T) {
	s := startWritable(t, "--ftp-engine", "ftpserverlib")
	manyFiles(t, s.dir, 100)
	writePattern(t, filepath.Join(s.dir, "large"), 3_000_000)
	there := t.TempDir()
	s.lftp(there, "mirror /", "mirror -R . /back")
	wantSameTree(t, filepath.Join(s.dir, "back"), there)
	s.wantLogged("op=RETR", "path=/large", "method=sendfile")
	s.wantLogged("op=STOR", "path=/back/large", "method=splice")
}

func TestLftpUploadsATree(t *testing.T) {
	s := startWritable(t)
	dir := t.TempDir()
	manyFiles(t, dir, 500)
	s.lftp(dir, "mirror -R . /")
	wantSameTree(t, s.dir, dir)
}

func TestLftpContinuesAFile(t *testing.T) {
	const size, part = 4 << 20, 1_234_567
	s := startWritable(t)
	s.file("f", size)
	got := filepath.Join(t.TempDir(), "f")
	writePattern(t, got, part)
	s.lftp(filepath.Dir(got), "get -c f")
	wantPattern(t, got, 0, size)
	s.wantLogged("op=RETR", "path=/f", fmt.Sprintf("bytes=%d", size-part), "method=sendfile")

	writePattern(t, s.path("g"), part)
	s.lftp(filepath.Dir(got), "put -c f -o g")
	wantPattern(t, s.path("g"), 0, size)
	s.wantLogged("path=/g", fmt.Sprintf("bytes=%d", size-part))
}

// Without a rate limit lftp would have the whole file by its first piece before it starts
// the others.
func TestLftpDownloadsInFourPieces(t *testing.T) {
	const size = 16 << 20
	s := startWritable(t)
	s.file("f", size)
	dir := t.TempDir()
	s.lftp(dir, "set net:limit-rate 16M; set net:limit-max 64K", "pget -n 4 f")
	wantPattern(t, filepath.Join(dir, "f"), 0, size)
	s.wantLoggedTimes(4, "op=RETR", "path=/f", "method=sendfile")
}

func TestLftpChangesTheTree(t *testing.T) {
	s := startWritable(t)
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "f"), 100_000)
	s.lftp(dir,
		"mkdir a", "mkdir -p 'a/b c/ä'", "put f", "put f -o 'a/b c/g'", "mv 'a/b c/g' 'a/東京 g'",
		"mv f a/moved", "rmdir 'a/b c/ä'", "mkdir gone", "put f -o gone/f", "rm -r gone", "put f -o h", "rm h")

	want := t.TempDir()
	writePattern(t, filepath.Join(want, "a", "東京 g"), 100_000)
	writePattern(t, filepath.Join(want, "a", "moved"), 100_000)
	if err := os.Mkdir(filepath.Join(want, "a", "b c"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantSameTree(t, s.dir, want)
}

func TestLftpInActiveMode(t *testing.T) {
	const size = 3 << 20
	s := startWritable(t)
	s.file("f", size)
	dir := t.TempDir()
	s.lftp(dir, "set ftp:passive-mode off", "get f", "put f -o g")
	wantPattern(t, filepath.Join(dir, "f"), 0, size)
	wantPattern(t, s.path("g"), 0, size)
}
