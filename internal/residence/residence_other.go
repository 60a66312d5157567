//go:build !linux

package residence

import "os"

func of(*os.File) Residence { return Unknown }

func isWarm(*os.File, int64, int64) bool { return false }
