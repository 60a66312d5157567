package ftpd_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/ftpd"
)

// decrypting is a file system that inverts all bits of the files of another one.
type decrypting struct{ afero.Fs }

type decryptingFile struct{ afero.File }

func (d decrypting) Open(name string) (afero.File, error) {
	f, err := d.Fs.Open(name)
	return decryptingFile{f}, err
}

func (f decryptingFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	for i := range p[:n] {
		p[i] = ^p[i]
	}
	return n, err
}

// The test uses a file of this folder, which is old enough for its checksum to be cached.
func TestAChecksumIsOfTheBytesThatTheUserSees(t *testing.T) {
	root, err := ftpd.Dir(".")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := startWithLogin(t, func(_ context.Context, _ ftpd.Client, user, _ string) (*ftpd.Account, error) {
		if user == "decrypted" {
			return &ftpd.Account{FS: decrypting{root}, Rights: ftpd.ReadOnly}, nil
		}
		return &ftpd.Account{FS: root, Rights: ftpd.ReadOnly}, nil
	}, nil)
	content, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	inverted := make([]byte, len(content))
	for i, b := range content {
		inverted[i] = ^b
	}
	for _, tt := range []struct {
		user    string
		content []byte
	}{{"raw", content}, {"decrypted", inverted}, {"raw", content}} {
		c := s.dial()
		c.want(331, "USER "+tt.user)
		c.want(230, "PASS x")
		sum := sha256.Sum256(tt.content)
		if text := c.want(213, "HASH doc.go"); !strings.Contains(text, hex.EncodeToString(sum[:])) {
			t.Errorf("%s: got %q, want %x", tt.user, text, sum)
		}
	}
}
