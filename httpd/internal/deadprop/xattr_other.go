//go:build !linux

package deadprop

import (
	"errors"
	"os"

	"sluice/httpd/internal/dav"
)

// Read returns nothing: properties are stored on Linux only.
func Read(*os.File) ([]dav.Property, error) { return nil, nil }

// Apply fails, see Read.
func Apply(*os.File, []dav.Patch) (undo func(), err error) { return nil, errors.ErrUnsupported }
