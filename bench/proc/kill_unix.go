//go:build unix && !linux

package proc

import (
	"os"
	"syscall"
)

var ownGroup = &syscall.SysProcAttr{Setpgid: true}

// terminate asks the group to end, and tells whether there is one.
func terminate(group int) bool { return syscall.Kill(-group, syscall.SIGTERM) == nil }

// kill kills the group that p leads or has led: its number is not given to a
// process while the group has members, and without members nothing is hit.
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
