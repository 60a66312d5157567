//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/nettest"
)

const resumeSize = 3_000_001

// breakUpload breaks off the upload of a file after n bytes, and returns when the server
// has kept them.
func (s *server) breakUpload(name string, n int64) {
	s.t.Helper()
	c := s.loginAs(user)
	data := c.begin(s.t, "STOR "+name, 0, n)
	awaitPartOf(s.t, filepath.Dir(s.path(name)), n)
	nettest.Reset(s.t, data)
	if _, err := c.expect(426); err != nil {
		s.t.Fatal(err)
	}
	_ = c.conn.Close()
	c = s.loginAs(user)
	c.wantSize(s.t, n, name)
	_ = c.conn.Close()
}

// wantOnlyFile checks that the file is complete and listed, and that there is no other
// file. Then it deletes the file.
func (s *server) wantOnlyFile(name string, size int64) {
	s.t.Helper()
	wantPattern(s.t, s.path(name), 0, size)
	entries, err := os.ReadDir(s.dir)
	if len(entries) != 1 || err != nil {
		s.t.Errorf("the directory has %v, %v, want only %s", entries, err, name)
	}
	c := s.loginAs(user)
	c.wantSize(s.t, size, name)
	if got := c.replyTo(s.t, "NLST"); !strings.Contains(got, "\n"+name+"\r\n") {
		s.t.Errorf("NLST: %q", got)
	}
	c.must(s.t, 250, "DELE "+name)
	_ = c.conn.Close()
}

// Each client resumes an upload in its own way, and the file is complete afterwards.
func TestClientsResumeABrokenUpload(t *testing.T) {
	s := startForTwo(t, t.TempDir())
	host, port := s.address()
	up := filepath.Join(t.TempDir(), "zzz.bin")
	writePattern(t, up, resumeSize)
	dir := filepath.Dir(up)
	for _, tt := range []struct {
		name   string
		resume func(t *testing.T, n int64)
		all    bool // the client sends the whole file again
	}{
		{"curl", func(t *testing.T, _ int64) {
			curl(t, dir, "-u", login, "-C", "-", "-T", "zzz.bin", s.urlOf("ftp", "zzz.bin"))
		}, false},
		{"curl that starts again", func(t *testing.T, _ int64) {
			curl(t, dir, "-u", login, "-T", "zzz.bin", s.urlOf("ftp", "zzz.bin"))
		}, true},
		{"lftp", func(*testing.T, int64) { s.lftp(dir, "put -c zzz.bin") }, false},
		{"lftp that mirrors", func(*testing.T, int64) { s.lftp(dir, "mirror -R -c . /") }, true},
		{"rclone", func(t *testing.T, _ int64) {
			if out, status := s.rclone(dir, "", "copy", ".", "remote:"); status != 0 {
				t.Errorf("rclone: status %d\n%s", status, out)
			}
		}, true},
		{"basic-ftp", func(t *testing.T, n int64) {
			needs(t, "npm")
			modules, err := basicFTP()
			if err != nil {
				t.Fatal(err)
			}
			cmd := command(t, "testdata/basic-ftp", "node", "resume.js", host, port, user, password, up, "zzz.bin")
			cmd.Env = append(cmd.Env, "NODE_PATH="+modules)
			out, err := cmd.CombinedOutput()
			if want := fmt.Sprintf("%d bytes\n", resumeSize-n); err != nil || string(out) != want {
				t.Errorf("got %q, %v, want %q", out, err, want)
			}
		}, false},
		{"FileZilla by APPE", func(t *testing.T, n int64) { // FileZilla sends SIZE for a file that is missing in the listing
			c := s.loginAs(user)
			c.must(t, 257, "PWD")
			if got := c.replyTo(t, "MLSD"); strings.Contains(got, "zzz.bin") {
				t.Errorf("MLSD: %q", got)
			}
			c.wantSize(t, n, "zzz.bin")
			c.must(t, 550, "MDTM zzz.bin")
			c.wantPut(t, 226, "APPE zzz.bin", n, resumeSize)
		}, false},
		{"FileZilla by REST", func(t *testing.T, n int64) {
			c := s.loginAs(user)
			c.wantSize(t, n, "zzz.bin")
			c.must(t, 350, fmt.Sprint("REST ", n))
			c.wantPut(t, 226, "STOR zzz.bin", n, resumeSize)
		}, false},
		{"Python's ftplib", func(t *testing.T, n int64) {
			run(t, dir, "python3", "-c", `
import ftplib, sys
f = ftplib.FTP(timeout=20)
f.connect(sys.argv[1], int(sys.argv[2]))
f.login(sys.argv[3], sys.argv[4])
f.voidcmd('TYPE I')
with open('zzz.bin', 'rb') as up:
    size = f.size('zzz.bin')
    assert size == int(sys.argv[5]), size
    up.seek(size)
    f.storbinary('STOR zzz.bin', up, rest=size)
f.quit()
`, host, port, user, password, fmt.Sprint(n))
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i := range times(1) {
				n := 100_000 + rand.Int64N(resumeSize-100_000)
				s.breakUpload("zzz.bin", n)
				tt.resume(t, n)
				s.wantOnlyFile("zzz.bin", resumeSize)
				sent := resumeSize - n
				if tt.all {
					sent = resumeSize
				}
				if i == 0 {
					s.wantLogged("path=/zzz.bin", fmt.Sprintf("bytes=%d", sent))
				}
			}
		})
	}
}

// WinSCP uploads to another name and renames the complete file, also over an old one.
func TestAResumedUploadIsRenamed(t *testing.T) {
	s := startForTwo(t, t.TempDir())
	for i := range times(2) {
		if i%2 == 1 {
			s.file("x", 1000)
		}
		const n = 300_000
		c := s.loginAs(user)
		data := c.begin(t, "STOR x.filepart", 0, n)
		awaitPartOf(t, s.dir, n)
		nettest.Reset(t, data)
		nettest.Reset(t, c.conn)

		c = s.loginAs(user)
		eventually(t, "the part that has arrived is kept", func() bool { return sizeOf(t, c, "x.filepart") == n })
		if got := c.replyTo(t, "MLSD"); strings.Contains(got, "filepart") {
			t.Errorf("MLSD: %q", got)
		}
		if i%4 < 2 {
			c.must(t, 350, fmt.Sprint("REST ", n))
			c.wantPut(t, 226, "STOR x.filepart", n, resumeSize)
		} else {
			c.wantPut(t, 226, "APPE x.filepart", n, resumeSize)
		}
		c.must(t, 213, "MDTM x.filepart")
		c.must(t, 350, "RNFR x.filepart")
		c.must(t, 250, "RNTO x")
		s.wantOnlyFile("x", resumeSize)
	}
}

// A killed client resumes at the size that the server reports.
func TestAKilledCurlResumes(t *testing.T) {
	s := startForTwo(t, t.TempDir())
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "zzz.bin"), resumeSize)
	for range times(2) {
		cmd := exec.Command("curl", "-sS", "--limit-rate", "5M", "-u", login, "-T", "zzz.bin", s.urlOf("ftp", "zzz.bin"))
		cmd.Dir, cmd.Env = dir, environ(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "100 kB have arrived", func() bool {
			parts := partsIn(t, s.dir)
			if len(parts) != 1 {
				return false
			}
			info, err := os.Stat(parts[0])
			return err == nil && info.Size() > 100_000
		})
		_ = cmd.Process.Kill()
		if cmd.Wait() == nil {
			t.Fatal("curl completed before it was killed")
		}
		c := s.loginAs(user)
		eventually(t, "the part that has arrived is kept", func() bool { return sizeOf(t, c, "zzz.bin") > 0 })
		s.wantNoFile(c, "zzz.bin")
		n := sizeOf(t, c, "zzz.bin")
		curl(t, dir, "-u", login, "-C", "-", "-T", "zzz.bin", s.urlOf("ftp", "zzz.bin"))
		s.wantLogged("op=APPE", fmt.Sprintf("bytes=%d", resumeSize-n))
		s.wantOnlyFile("zzz.bin", resumeSize)
	}
}
