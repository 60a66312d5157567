//go:build 386 || arm || mips || mipsle

package sandbox

import "golang.org/x/sys/unix"

// moreCalls belong to serverCalls where they exist.
var moreCalls = []uint32{unix.SYS_CLOCK_SETTIME64, unix.SYS_CLOCK_ADJTIME64}
