//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rclone runs rclone in dir, and returns its output and exit status. In args "remote:"
// stands for the server, logged in as the user who may write. options are options of
// rclone's FTP backend, each with a comma before it.
func (s *server) rclone(dir, options string, args ...string) (printed string, status int) {
	s.t.Helper()
	host, port := s.address()
	hidden := strings.TrimSpace(run(s.t, dir, "rclone", "obscure", password))
	remote := fmt.Sprintf(":ftp,host=%s,port=%s,user=%s,pass=%s%s:", host, port, user, hidden, options)
	for i, arg := range args {
		args[i] = strings.Replace(arg, "remote:", remote, 1)
	}
	return try(s.t, dir, "rclone", append([]string{"--retries", "1", "--low-level-retries", "1"}, args...)...)
}

// removeByBasicFTP removes a directory and its content with basic-ftp.
func (s *server) removeByBasicFTP(t *testing.T, listing, directory string) {
	t.Helper()
	needs(t, "npm")
	modules, err := basicFTP()
	if err != nil {
		t.Fatal(err)
	}
	host, port := s.address()
	cmd := command(t, "testdata/basic-ftp", "node", "remove.js", host, port, user, password, listing, directory)
	cmd.Env = append(cmd.Env, "NODE_PATH="+modules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// links makes symbolic links in a served directory.
func (s *server) links(dir string, targets map[string]string) {
	s.t.Helper()
	for name, target := range targets {
		if err := os.Symlink(target, s.path(dir+"/"+name)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// A client that removes a tree enters each entry that is listed as a directory, so a link
// listed as one would lead it to delete the files of the target. A link missing from the
// listing would keep the client from removing the directory.
func TestNoClientRemovesWhatALinkLeadsTo(t *testing.T) {
	s := startWritable(t)
	outside := t.TempDir()
	writePattern(t, filepath.Join(outside, "kept"), 10)
	for _, tt := range []struct {
		name   string
		remove func(t *testing.T)
	}{
		{"lftp by LIST", func(t *testing.T) { s.lftp(t.TempDir(), "set ftp:use-mlsd no", "cd tree", "rm -r proj") }},
		{"lftp by MLSD", func(t *testing.T) { s.lftp(t.TempDir(), "set ftp:use-mlsd yes", "cd tree", "rm -r proj") }},
		{"rclone by MLSD", func(t *testing.T) {
			if out, status := s.rclone(t.TempDir(), "", "purge", "remote:tree/proj"); status != 0 {
				t.Errorf("rclone: status %d\n%s", status, out)
			}
		}},
		{"rclone by LIST", func(t *testing.T) {
			if out, status := s.rclone(t.TempDir(), ",disable_mlsd=true", "purge", "remote:tree/proj"); status != 0 {
				t.Errorf("rclone: status %d\n%s", status, out)
			}
		}},
		{"basic-ftp by MLSD", func(t *testing.T) { s.removeByBasicFTP(t, "MLSD", "/tree/proj") }},
		{"basic-ftp by LIST", func(t *testing.T) { s.removeByBasicFTP(t, "LIST -a", "/tree/proj") }},
		{"a script that treats every name that is not a file as a directory", func(t *testing.T) {
			host, port := s.address()
			run(t, t.TempDir(), "python3", "-c", `
import ftplib, sys
f = ftplib.FTP(timeout=20)
f.connect(sys.argv[1], int(sys.argv[2]))
f.login(sys.argv[3], sys.argv[4])
for name, facts in list(f.mlsd('tree/proj', ['type'])):
    if facts['type'] == 'file':
        f.delete('tree/proj/' + name)
    elif facts['type'] not in ('cdir', 'pdir'):
        f.rmd('tree/proj/' + name)
f.rmd('tree/proj')
f.quit()
`, host, port, user, password)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.file("tree/shared/p1", 1000)
			s.file("tree/shared/p2", 2000)
			s.file("tree/proj/own", 10)
			want := contents(t, s.path("tree/shared"))
			s.links("tree/proj", map[string]string{
				"shared": "../shared", "file": "../shared/p1", "here": ".", "dangling": "nothing", "absolute": outside,
				"out": strings.Repeat("../", strings.Count(s.dir, "/")+4) + outside[1:],
			})
			tt.remove(t)
			if _, err := os.Lstat(s.path("tree/proj")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the directory is still there: %v", err)
				_ = os.RemoveAll(s.path("tree/proj"))
			}
			if diff := cmp.Diff(want, contents(t, s.path("tree/shared"))); diff != "" {
				t.Errorf("the target of the link has changed (-want +got):\n%s", diff)
			}
			wantPattern(t, filepath.Join(outside, "kept"), 0, 10)
		})
	}
}

// lftp skips FIFOs in listings of every server, so the test gives it the name.
func TestADirectoryWithAFIFOCanBeRemoved(t *testing.T) {
	s := startWritable(t)
	for name, remove := range map[string]func(t *testing.T){
		"rclone": func(t *testing.T) {
			if out, status := s.rclone(t.TempDir(), "", "purge", "remote:d"); status != 0 {
				t.Errorf("rclone: status %d\n%s", status, out)
			}
		},
		"basic-ftp": func(t *testing.T) { s.removeByBasicFTP(t, "MLSD", "/d") },
		"lftp, given the name": func(t *testing.T) {
			s.lftp(t.TempDir(), "rm d/pipe", "rm -r d")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.file("d/f", 10)
			if err := syscall.Mkfifo(s.path("d/pipe"), 0o644); err != nil {
				t.Fatal(err)
			}
			remove(t)
			if _, err := os.Lstat(s.path("d")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the directory is still there: %v", err)
				_ = os.RemoveAll(s.path("d"))
			}
		})
	}
}

// namesBeneath returns all paths in a tree; that of a link is followed by an arrow and its
// target.
func namesBeneath(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if d.Type() == fs.ModeSymlink {
			target, err := os.Readlink(path)
			names = append(names, name+" -> "+target)
			return err
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestALoopOfLinksIsMirroredOnce(t *testing.T) {
	s := startWritable(t)
	s.file("m/a", 10)
	s.file("m/b", 20)
	s.links("m", map[string]string{"debian": "."})
	host, port := s.address()
	withLink, without := []string{"a", "b", "debian -> ."}, []string{"a", "b"}
	for _, tt := range []struct {
		name   string
		mirror func(dir string)
		want   []string
	}{
		{"lftp by LIST", func(dir string) { s.lftp(dir, "set ftp:use-mlsd no", "mirror m m") }, withLink},
		{"lftp by MLSD", func(dir string) { s.lftp(dir, "set ftp:use-mlsd yes", "mirror m m") }, withLink},
		// rclone treats a link (slink) as a file, and reports that it is not one.
		{"rclone by MLSD", func(dir string) { s.rclone(dir, "", "copy", "remote:m", "m") }, without},
		{"rclone by LIST", func(dir string) { s.rclone(dir, ",disable_mlsd=true", "copy", "remote:m", "m") }, without},
		{"ncftp", func(dir string) {
			run(t, dir, "ncftpget", "-R", "-u", user, "-p", password, "-P", port, host, ".", "/m")
		}, without},
		{"wget", func(dir string) {
			run(t, dir, "wget", "-q", "-r", "-nH", "-l", "inf", s.urls["ftp"].JoinPath("m/").String())
		}, without},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.mirror(dir)
			if got := namesBeneath(t, filepath.Join(dir, "m")); !slices.Equal(got, tt.want) {
				t.Errorf("the copy has %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFilesAreReachedThroughLinks(t *testing.T) {
	s := startWritable(t)
	s.file("shared/deep/f", 100_000)
	s.file("proj/own", 10)
	s.links("proj", map[string]string{"dir": "../shared/deep", "file": "../shared/deep/f"})
	dir := t.TempDir()

	curl(t, dir, "-o", "file", s.urlOf("ftp", "proj/file"))
	curl(t, dir, "-o", "through", s.urlOf("ftp", "proj/dir/f"))
	s.lftp(dir, "cd proj/dir", "get f -o lftp", "cd ..", "get file -o lftp-file", "put lftp -o dir/new")
	for _, name := range []string{"file", "through", "lftp", "lftp-file"} {
		wantPattern(t, filepath.Join(dir, name), 0, 100_000)
	}
	wantPattern(t, s.path("shared/deep/new"), 0, 100_000)

	if got := curl(t, dir, "-l", s.urlOf("ftp", "proj/dir/")); got != "f\nnew\n" {
		t.Errorf("names through a link: %q", got)
	}
	if got := curl(t, dir, s.urlOf("ftp", "proj/")); !strings.Contains(got, " dir -> ../shared/deep\n") || !strings.HasPrefix(got, "lrwx") {
		t.Errorf("a listing with links: %q", got)
	}
	if got := curl(t, dir, "-I", s.urlOf("ftp", "proj/file")); !strings.Contains(got, "Content-Length: 100000") {
		t.Errorf("about a link to a file: %q", got)
	}
	if got, status := s.rclone(dir, "", "lsf", "remote:proj/dir/"); status != 0 || !strings.HasSuffix(got, "f\nnew\n") {
		t.Errorf("rclone: status %d, %q", status, got)
	}
	if got, _ := s.rclone(dir, "", "copy", "remote:proj", "copy"); !strings.Contains(got, "dir: Failed to copy") || strings.Count(got, "Failed to copy:") != 2 {
		t.Errorf("rclone should report only the link to a directory: %s", got)
	}
	wantPattern(t, filepath.Join(dir, "copy", "own"), 0, 10)
	wantPattern(t, filepath.Join(dir, "copy", "file"), 0, 100_000)
}
