//go:build !unix

package proc

import (
	"os"
	"syscall"
)

var ownGroup *syscall.SysProcAttr

// terminate tells that there is no asking here.
func terminate(int) bool { return false }

func kill(p *os.Process) { _ = p.Kill() }
