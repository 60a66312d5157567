//go:build unix && !linux

package proc

import (
	"os"
	"syscall"
)

var ownGroup = &syscall.SysProcAttr{Setpgid: true}

// terminate sends SIGTERM to a group, and returns whether the group exists.
func terminate(group int) bool { return syscall.Kill(-group, syscall.SIGTERM) == nil }

// kill kills the process group of p, also after p itself has ended: the kernel
// does not reuse its number while the group has members, and without members the
// call fails.
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
