//go:build e2e

package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/nettest"
)

func TestChecksumProgramsAcceptTheChecksums(t *testing.T) {
	const size = 3 << 20
	s := start(t)
	s.file("my file.bin", size)
	url := s.http.JoinPath("my file.bin").String()
	for kind, program := range map[string]string{
		"md5": "md5sum", "sha1": "sha1sum", "sha256": "sha256sum", "sha512": "sha512sum",
	} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			curl(t, dir, "-o", "my file.bin", url)
			curl(t, dir, "-o", "sums", url+"?"+kind)
			if output := run(t, dir, program, "-c", "sums"); !strings.Contains(output, "my file.bin: OK") {
				t.Errorf("%s printed %q", program, output)
			}
		})
	}
}

func TestAria2VerifiesTheChecksum(t *testing.T) {
	const size = 32 << 20
	s := start(t)
	s.file("f", size)
	dir := t.TempDir()
	run(t, dir, "aria2c", "--no-conf", "-q", "--file-allocation=none", "-k1M", "-x16", "-s16",
		fmt.Sprintf("--checksum=sha-256=%x", nettest.PatternSum(0, size)), s.urlOf("http", "f"))
	wantPattern(t, filepath.Join(dir, "f"), 0, size)
}

func TestReprDigestIsThatOfTheContent(t *testing.T) {
	s := start(t)
	s.file("f", 100_000)
	dir := t.TempDir()
	curl(t, dir, "-H", "Want-Repr-Digest: sha-256=10", "-D", "header", "-o", "got", s.urlOf("http", "f"))
	header, err := os.ReadFile(filepath.Join(dir, "header"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "got"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if want := "\r\nRepr-Digest: sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":\r\n"; !strings.Contains(string(header), want) {
		t.Errorf("got %q, want %q in it", header, want)
	}
}
