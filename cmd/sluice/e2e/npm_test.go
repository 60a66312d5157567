//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// The packages of npm that tests use.
var (
	basicFTP    = npm("basic-ftp", "5.0.5")
	tusJSClient = npm("tus-js-client", "4.3.1")
)

// npm returns a function that returns the node_modules folder with a package, in the version
// of the lock file in testdata. It is downloaded once, into the user's cache directory.
func npm(name, version string) func() (modules string, err error) {
	return sync.OnceValues(func() (modules string, err error) {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir := filepath.Join(cache, "sluice-e2e", name+"-"+version)
		modules = filepath.Join(dir, "node_modules")
		if _, err := os.Stat(modules); err == nil {
			return modules, nil
		}
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			return "", err
		}
		fresh, err := os.MkdirTemp(filepath.Dir(dir), "fresh") // renamed when complete, so an incomplete one is never used
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(fresh)
		if err := os.CopyFS(fresh, os.DirFS(filepath.Join("testdata", name))); err != nil {
			return "", err
		}
		cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=4")
		cmd.Dir = fresh
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm ci: %w\n%s", err, out)
		}
		if err := os.Rename(fresh, dir); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
			return "", err
		}
		return modules, nil
	})
}
