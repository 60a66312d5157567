package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"sluice/internal/sandbox"
)

// explainRoot explains why the directory cannot be opened, and what to do. how is how it is named.
func explainRoot(dir, how string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist; name the directory to serve: %s", dir, how)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s is not a directory; name the directory to serve: %s", dir, how)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be read by this user; give it the right to read and enter the directory, or serve another", dir)
	}
	return fmt.Errorf("%w; name the directory to serve: %s", err, how)
}

// explainCertificate explains what is wrong with a certificate or its key, and
// what to do.
func explainCertificate(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; name the files with --tls-cert and --tls-key", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; give this user the right to read it", err)
	}
	return fmt.Errorf("%w; give each --tls-cert the --tls-key that belongs to it, both PEM", err)
}

// explainContain explains why the process cannot be sandboxed, and what to do.
func explainContain(u *sandbox.User, err error) error {
	if errors.Is(err, sandbox.ErrMissing) {
		return fmt.Errorf("%w; use --sandbox auto to do without", err)
	}
	if u != nil {
		return fmt.Errorf("%w; choose another user by --run-as, or --run-as root", err)
	}
	return err
}
