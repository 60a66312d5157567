//go:build !linux

package methods

import (
	"errors"
	"os"
	"time"
)

var errNoDrop = errors.New("only on Linux can a file be taken out of the page cache")

func dropPages(*os.File) (time.Duration, error) { return 0, errNoDrop }

func canDrop(string) error { return errNoDrop }
