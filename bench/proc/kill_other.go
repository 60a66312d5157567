//go:build !unix

package proc

import (
	"os"
	"syscall"
)

var ownGroup *syscall.SysProcAttr

// terminate returns false: this system has no SIGTERM.
func terminate(int) bool { return false }

func kill(p *os.Process) { _ = p.Kill() }
