//go:build !unix

package sandbox

import "os"

// MayWrite reports no reason: the user is the one who has started the process.
func MayWrite(*os.File) error { return nil }

// FirstFreePort returns 0: everybody may listen on all ports.
func FirstFreePort() int { return 0 }

// MayBindAll reports whether the process may listen on ports below that.
func MayBindAll() bool { return true }
