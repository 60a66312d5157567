//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestCurlUploadsAsAUser(t *testing.T) {
	for _, size := range []int64{0, 1, 5 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := startWritable(t)
			up := filepath.Join(t.TempDir(), "up")
			writePattern(t, up, size)
			curl(t, filepath.Dir(up), "-u", login, "-T", "up", s.urlOf("ftp", "f"))
			wantPattern(t, s.path("f"), 0, size)
			s.wantLogged("msg=ftp", "op=STOR", "user="+user, "path=/f", fmt.Sprintf("bytes=%d", size))
		})
	}
}

func TestCurlReplacesAFile(t *testing.T) {
	s := startWritable(t)
	s.file("f", 2<<20)
	up := filepath.Join(t.TempDir(), "up")
	writePattern(t, up, 1000)
	curl(t, filepath.Dir(up), "-u", login, "-T", "up", s.urlOf("ftp", "f"))
	wantPattern(t, s.path("f"), 0, 1000)
}

func TestCurlResumesAnUpload(t *testing.T) {
	const size, part = 4 << 20, 1_234_567
	s := startWritable(t)
	s.file("f", part)
	up := filepath.Join(t.TempDir(), "up")
	writePattern(t, up, size)
	curl(t, filepath.Dir(up), "-u", login, "-C", "-", "-T", "up", s.urlOf("ftp", "f"))
	wantPattern(t, s.path("f"), 0, size)
	s.wantLogged("op=APPE", "path=/f", fmt.Sprintf("bytes=%d", size-part))
}

func TestAUserFromTheEnvironment(t *testing.T) {
	s := startUnder(t, []string{"env", "SLUICE_USER_" + user + "=" + password}, t.TempDir(), "--write")
	up := filepath.Join(t.TempDir(), "up")
	writePattern(t, up, 1000)
	curl(t, filepath.Dir(up), "-u", login, "-T", "up", s.urlOf("ftp", "f"))
	wantPattern(t, s.path("f"), 0, 1000)
}

func TestUploadsAreRefused(t *testing.T) {
	const (
		failedSTOR  = 25 // curl(1), EXIT CODES
		failedLogin = 67
	)
	writable := []string{"--user", login, "--write"}
	for _, tt := range []struct {
		name        string
		serve, curl []string
		status      int
	}{
		{"an anonymous upload", writable, nil, failedSTOR},
		{"an anonymous append", writable, []string{"--append"}, failedSTOR},
		{"an upload without --write", []string{"--user", login}, []string{"-u", login}, failedSTOR},
		{"an append without --write", []string{"--user", login}, []string{"-u", login, "--append"}, failedSTOR},
		{"a wrong password", writable, []string{"-u", user + ":wrong"}, failedLogin},
		{"an anonymous login where that is disabled", append(writable, "--anonymous=false"), nil, failedLogin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, tt.serve...)
			s.file("f", 1000)
			up := filepath.Join(t.TempDir(), "up")
			writePattern(t, up, 2000)
			args := append([]string{"-sS", "-T", "up", s.urlOf("ftp", "f")}, tt.curl...)
			if output, status := try(t, filepath.Dir(up), "curl", args...); status != tt.status {
				t.Errorf("curl %v: exit status %d, want %d: %s", args, status, tt.status, output)
			}
			wantPattern(t, s.path("f"), 0, 1000)
			if entries, err := os.ReadDir(s.dir); len(entries) != 1 || err != nil {
				t.Errorf("the directory has %v, %v, want only f", entries, err)
			}
		})
	}
}
