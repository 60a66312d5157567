package ftpd_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/nettest"
	"sluice/internal/partial"
	"sluice/internal/vfs"
	"sluice/sendfile"
)

// someFiles returns the files of the file systems in these tests, by name.
func someFiles() map[string]string {
	return map[string]string{"big.bin": pattern(0, 1<<20+7), "empty": "", "docs/a.txt": "hello\n", "docs/deep/b.txt": "b"}
}

var aDay = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// startOnFS serves a file system to anonymous users and to the user u, who has all rights.
func startOnFS(t *testing.T, fsys afero.Fs) *server {
	t.Helper()
	return start(t, func(srv *ftpd.Server) {
		srv.FS = fsys
		srv.Login = func(_ context.Context, _ ftpd.Client, user, password string) (*ftpd.Account, error) {
			if user != "u" || password != "secret" {
				return nil, ftpd.ErrLogin
			}
			return &ftpd.Account{FS: fsys, Rights: ftpd.All}, nil
		}
	})
}

// startWithFS serves fsys with all rights, to any name and password.
func startWithFS(t *testing.T, fsys afero.Fs, setup func(*ftpd.Server)) *server {
	t.Helper()
	return startWithLogin(t, func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
		return &ftpd.Account{FS: fsys, Rights: ftpd.All}, nil
	}, setup)
}

// eachFileSystem runs f with a server for every kind of file system, and for a Root.
func eachFileSystem(t *testing.T, f func(t *testing.T, s *server, kind nettest.FileSystem)) {
	kinds := nettest.FileSystems(t, someFiles(), aDay)
	root := rootOf(t, someFiles())
	kinds = append(kinds, nettest.FileSystem{Name: "Root", FS: root, Real: true, Writable: true})
	for _, kind := range kinds {
		t.Run(kind.Name, func(t *testing.T) { f(t, startOnFS(t, kind.FS), kind) })
	}
}

func rootOf(t *testing.T, files map[string]string) *ftpd.Root {
	t.Helper()
	root, err := ftpd.Dir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	root = root.Writable()
	for name, content := range files {
		err := root.MkdirAll(name[:strings.LastIndexByte("/"+name, '/')], 0o755)
		if err == nil {
			err = afero.WriteFile(root, name, []byte(content), 0o644)
		}
		if err == nil {
			err = root.Chtimes(name, aDay, aDay)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Sixteen clients read at once, each from offsets of its own.
func TestRetrFromEachFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, s *server, kind nettest.FileSystem) {
		want := sendfile.Copy
		if kind.Real && hasSendfile {
			want = sendfile.Sendfile
		}
		const readers, each = 16, 2
		files := someFiles()
		var all sync.WaitGroup
		for range readers {
			c := s.guest()
			all.Go(func() {
				for range each {
					for name, content := range files {
						off := rand.IntN(len(content) + 1)
						c.want(350, fmt.Sprint("REST ", off))
						got := c.get(epsv, "RETR "+name)
						if sha256.Sum256([]byte(got)) != sha256.Sum256([]byte(content[off:])) {
							t.Errorf("%s from %d: got %d wrong bytes, want %d", name, off, len(got), len(content)-off)
						}
						if x := s.transfer(); x.Method != want || x.Err != nil { // of any of the readers
							t.Errorf("%s used %v (%v), want %v", x.Path, x.Method, x.Err, want)
						}
					}
				}
			})
		}
		all.Wait()
	})
}

// Sixteen clients write at once.
func TestStorToEachFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, s *server, kind nettest.FileSystem) {
		c := s.login()
		if !kind.Writable {
			for _, line := range []string{"STOR docs/a.txt", "STOR new", "APPE docs/a.txt", "STOU"} {
				c.passive(epsv)
				c.want(550, line)
			}
			for _, line := range []string{"DELE docs/a.txt", "MKD new"} {
				c.want(550, line)
			}
			if got := c.get(epsv, "RETR docs/a.txt"); got != "hello\n" {
				t.Errorf("content %q", got)
			}
			return
		}
		const writers, size = 16, 2<<20 + 5
		whole := pattern(0, writers+size)
		var all sync.WaitGroup
		for i := range writers {
			c := s.login()
			all.Go(func() { c.put(epsv, fmt.Sprint("STOR docs/new", i), strings.NewReader(whole[i:i+size])) })
		}
		all.Wait()
		want := sendfile.Copy
		if isReal(t, kind.FS, "docs/new0") && hasSendfile {
			want = sendfile.Splice
		}
		for range writers {
			if x := s.transfer(); x.Method != want || x.Err != nil || x.Sent != size {
				t.Errorf("%d bytes of %s used %v (%v), want %v", x.Sent, x.Path, x.Method, x.Err, want)
			}
		}
		for i := range writers {
			got := readAll(t, kind.FS, fmt.Sprint("docs/new", i))
			if sha256.Sum256([]byte(got)) != sha256.Sum256([]byte(whole[i:i+size])) {
				t.Errorf("upload %d: the file has %d wrong bytes", i, len(got))
			}
		}
		c.put(epsv, "STOR docs/a.txt", strings.NewReader("replaced\n"))
		c.want(350, "REST 3")
		c.put(epsv, "STOR docs/a.txt", strings.NewReader("---"))
		c.put(epsv, "APPE docs/a.txt", strings.NewReader("more\n"))
		if got := readAll(t, kind.FS, "docs/a.txt"); got != "rep---ed\nmore\n" {
			t.Errorf("content %q", got)
		}
		if got := c.get(epsv, "NLST docs/deep"); got != "docs/deep/b.txt\r\n" {
			t.Errorf("NLST %q", got)
		}
		wantNothingHidden(t, kind.FS, "docs")
	})
}

func TestUploadsAreResumedInEachFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, s *server, kind nettest.FileSystem) {
		if !kind.Writable {
			t.Skip("the file system is read-only")
		}
		const size, first = 400_000, 300_000
		for _, line := range []string{"APPE up", "STOR up"} {
			c := s.login()
			conn := c.data(epsv, "STOR up")
			if _, err := io.WriteString(conn, pattern(0, first)); err != nil {
				t.Fatal(err)
			}
			c.send("STAT") // the reply shows that the session has run
			c.expect(211, "STAT")
			waitFor(t, "the bytes to arrive", func() bool { return hasHiddenFile(kind.FS, 128<<10) })
			reset(t, conn)
			c.expect(426, "STOR")
			x := s.transfer()
			if x.Kept == 0 || x.Kept > first {
				t.Fatalf("kept %d bytes", x.Kept)
			}
			if text := c.want(213, "SIZE up"); text != fmt.Sprint("213 ", x.Kept) {
				t.Errorf("SIZE: %q, want %d", text, x.Kept)
			}
			if strings.HasPrefix(line, "STOR") {
				c.want(350, fmt.Sprint("REST ", x.Kept))
			}
			c.put(epsv, line, strings.NewReader(pattern(x.Kept, size-x.Kept)))
			s.transfer()
			if readAll(t, kind.FS, "up") != pattern(0, size) {
				t.Error("the file is not complete")
			}
			wantNothingHidden(t, kind.FS, "")
			c.want(250, "DELE up")
		}
	})
}

// hasHiddenFile reports whether the root directory has a hidden file of an upload with at
// least that size.
func hasHiddenFile(fsys afero.Fs, size int64) bool {
	infos, _ := vfs.Of(fsys).ReadDir("/")
	for _, info := range infos {
		if partial.Is(info.Name()) && info.Size() >= size {
			return true
		}
	}
	return false
}

func TestCommandsInEachFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, s *server, kind nettest.FileSystem) {
		c := s.login()
		c.want(250, "CWD docs")
		if text := c.want(213, "SIZE a.txt"); text != "213 6" {
			t.Errorf("SIZE: %q", text)
		}
		if text := c.want(213, "MDTM a.txt"); text != "213 20240229120000" {
			t.Errorf("MDTM: %q", text)
		}
		if text := c.want(250, "MLST a.txt"); !strings.Contains(text, "type=file;size=6;modify=20240229120000;") {
			t.Errorf("MLST: %q", text)
		}
		if got := c.get(epsv, "NLST"); got != "a.txt\r\ndeep\r\n" {
			t.Errorf("NLST: %q", got)
		}
		if got := c.get(epsv, "MLSD"); strings.Count(got, "\r\n") != 4 || !strings.Contains(got, "type=dir;") {
			t.Errorf("MLSD: %q", got)
		}
		if got := c.get(epsv, "LIST *.txt"); !strings.HasSuffix(got, " a.txt\r\n") {
			t.Errorf("LIST: %q", got)
		}
		c.want(550, "SIZE none")
		c.want(550, "CWD a.txt")
		for _, line := range []string{"RETR none", "RETR deep"} {
			c.passive(epsv)
			c.want(550, line)
		}
		isRoot := kind.Name == "Root"
		has := func(code int, on bool) int {
			if on {
				return code
			}
			return 504
		}
		c.want(213, "HASH a.txt")
		if _, err := vfs.Of(kind.FS).Free("/"); errors.Is(err, errors.ErrUnsupported) {
			c.want(504, "AVBL")
			if text := c.want(211, "FEAT"); strings.Contains(text, "AVBL") {
				t.Errorf("FEAT: %q", text)
			}
		}
		c.want(has(200, isRoot), "SITE SYMLINK a.txt link")
		if !kind.Writable {
			return
		}
		c.put(epsv, "STOR f", strings.NewReader("f"))
		c.want(257, "MKD new")
		c.want(550, "MKD new")
		c.want(350, "RNFR f")
		c.want(250, "RNTO new/g")
		c.want(213, "MFMT 20200101000000 new/g")
		if text := c.want(213, "MDTM new/g"); text != "213 20200101000000" {
			t.Errorf("MDTM: %q", text)
		}
		c.want(200, "SITE CHMOD 640 new/g")
		if text := c.want(250, "MLST new/g"); !strings.Contains(text, "UNIX.mode=0640;") {
			t.Errorf("MLST: %q", text)
		}
		c.want(550, "RMD new")
		c.want(550, "DELE new")
		c.want(550, "RMD new/g")
		c.want(250, "DELE new/g")
		c.want(250, "RMD new")
		c.want(550, "CWD new")
	})
}

func TestAHomeInEachFileSystem(t *testing.T) {
	for _, kind := range nettest.FileSystems(t, someFiles(), aDay) {
		t.Run(kind.Name, func(t *testing.T) {
			s := start(t, func(srv *ftpd.Server) {
				srv.Login = func(_ context.Context, _ ftpd.Client, user, _ string) (*ftpd.Account, error) {
					return &ftpd.Account{FS: kind.FS, Home: user, Rights: ftpd.All}, nil
				}
			})
			c := s.dial()
			c.want(331, "USER docs")
			c.want(230, "PASS x")
			c.want(550, "SIZE big.bin")
			c.want(550, "SIZE ../big.bin")
			c.want(250, "CWD ..")
			if got := c.get(epsv, "RETR /deep/b.txt"); got != "b" {
				t.Errorf("content %q", got)
			}
			if kind.Writable {
				c.put(epsv, "STOR new", strings.NewReader("new"))
				if got := readAll(t, kind.FS, "docs/new"); got != "new" {
					t.Errorf("content %q", got)
				}
			}
			c.want(331, "USER none")
			if text := c.want(530, "PASS x"); text != "530 The home directory cannot be opened" {
				t.Errorf("got %q", text)
			}
		})
	}
}

// isReal reports whether a file is an *os.File.
func isReal(t *testing.T, fsys afero.Fs, name string) bool {
	t.Helper()
	f, err := vfs.Of(fsys).Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, ok := vfs.OSFile(f)
	return ok
}

func readAll(t *testing.T, fsys afero.Fs, name string) string {
	t.Helper()
	f, err := vfs.Of(fsys).Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantNothingHidden checks that a directory has no hidden files of uploads.
func wantNothingHidden(t *testing.T, fsys afero.Fs, dir string) {
	t.Helper()
	infos, err := vfs.Of(fsys).ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, info := range infos {
		if partial.Is(info.Name()) {
			t.Errorf("%s is left", info.Name())
		}
	}
}

func TestTwoServersOfOneTreeDoNotMixAppends(t *testing.T) {
	for name, fsys := range map[string]afero.Fs{"a directory": rootOf(t, map[string]string{"f": "old"}), "memory": memoryOf(t, "/f", "old")} {
		t.Run(name, func(t *testing.T) {
			a := startWithFS(t, fsys, nil).login()
			conn := a.data(epsv, "APPE f")
			b := startWithFS(t, fsys, nil).login()
			b.passive(epsv)
			b.want(450, "APPE f")
			if _, err := io.WriteString(conn, "+"); err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			a.expect(226, "APPE")
			b.put(epsv, "APPE f", strings.NewReader("-"))
			if got := readAll(t, fsys, "f"); got != "old+-" {
				t.Errorf("content %q", got)
			}
		})
	}
}

func memoryOf(t *testing.T, name, content string) afero.Fs {
	t.Helper()
	memory := afero.NewMemMapFs()
	if err := afero.WriteFile(memory, name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return memory
}

// The hidden file of an unfinished upload does not exist for any command, in any spelling of its name that a file
// system may take for the same.
func TestUnfinishedUploadsAreHiddenInEachFileSystem(t *testing.T) {
	eachFileSystem(t, func(t *testing.T, s *server, kind nettest.FileSystem) {
		if !kind.Writable {
			t.Skip("the file system is read-only")
		}
		c := s.login()
		conn := c.data(epsv, "STOR docs/up")
		if _, err := io.WriteString(conn, "half"); err != nil {
			t.Fatal(err)
		}
		other := s.login()
		infos, err := vfs.Of(kind.FS).ReadDir("/docs")
		if err != nil {
			t.Fatal(err)
		}
		hidden := ""
		for _, info := range infos {
			if partial.Is(info.Name()) {
				hidden = "docs/" + info.Name()
			}
		}
		if hidden == "" {
			t.Fatal("there is no hidden file")
		}
		for _, name := range []string{hidden, strings.ToUpper(hidden), "docs/" + strings.ToUpper(hidden[len("docs/"):]), "/" + hidden, "docs/../" + hidden} {
			for _, line := range []string{
				"SIZE ", "MDTM ", "MLST ", "STAT ", "RNFR ", "DELE ", "RMD ", "CWD ", "HASH ", "XCRC ",
				"MDTM 20200101000000 ", "MFMT 20200101000000 ", "MFF modify=20200101000000; ", "SITE CHMOD 600 ", "SITE UTIME 20200101000000 ",
			} {
				other.want(550, line+name)
			}
			for line, code := range map[string]int{"RETR ": 550, "LIST ": 550, "NLST ": 550, "MLSD ": 550, "STOR ": 553, "APPE ": 553} {
				other.passive(epsv)
				other.want(code, line+name)
			}
			other.want(350, "RNFR docs/a.txt")
			other.send("RNTO " + name)
			if code, text, err := other.reply(); err != nil || code < 500 {
				t.Errorf("RNTO: %q, %v", text, err)
			}
			other.send("MKD " + name)
			if code, text, err := other.reply(); err != nil || code < 500 {
				t.Errorf("MKD: %q, %v", text, err)
			}
		}
		if got := other.get(epsv, "LIST docs/.*"); got != "" {
			t.Errorf("LIST of a pattern: %q", got)
		}
		for _, line := range []string{"LIST docs", "NLST docs", "MLSD docs"} {
			if got := other.get(epsv, line); strings.Contains(strings.ToLower(got), "sluice-part") {
				t.Errorf("%s: %q", line, got)
			}
		}
		_ = conn.Close()
		c.expect(226, "STOR")
		if got := readAll(t, kind.FS, "docs/up"); got != "half" {
			t.Errorf("content %q", got)
		}
	})
}
