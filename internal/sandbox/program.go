package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// CheckProgram returns an error if a program cannot be run, or if somebody may replace it who
// is neither root, nor this process now, nor the user that it will run as; nil: no change.
func CheckProgram(path string, runAs *User) error {
	if !canRun {
		return errors.New("this system cannot run programs in groups of their own; only Unix systems can")
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file")
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("it is not executable; run chmod +x %s", file)
	}
	dir, err := os.Stat(filepath.Dir(file))
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		info fs.FileInfo
	}{{file, info}, {filepath.Dir(file), dir}} {
		if err := checkOwner(part.name, part.info, runAs); err != nil {
			return err
		}
	}
	return nil
}

// checkOwner returns an error if others may change a file or directory.
func checkOwner(name string, info fs.FileInfo, runAs *User) error {
	isSafeDir := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if info.Mode().Perm()&0o002 != 0 && !isSafeDir {
		return fmt.Errorf("every user of this machine may change %s; run chmod o-w %s", name, name)
	}
	uid, _, err := ownerOf(name)
	if err != nil {
		return err
	}
	trusted := []int{0, os.Geteuid()}
	if runAs != nil {
		trusted = append(trusted, runAs.UID)
	}
	if !slices.Contains(trusted, uid) && !isSafeDir {
		return fmt.Errorf("the user %d owns %s and may change it; run chown root %s", uid, name, name)
	}
	return nil
}
