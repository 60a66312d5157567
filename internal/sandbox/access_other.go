//go:build !unix

package sandbox

import "os"

// MayWrite returns nil: the user never changes on these systems.
func MayWrite(*os.File) error { return nil }

// FirstFreePort returns 0: every user may listen on all ports.
func FirstFreePort() int { return 0 }

// MayBindAll returns true.
func MayBindAll() bool { return true }
