//go:build 386 || arm || mips || mipsle

package sandbox

import "golang.org/x/sys/unix"

// deniedOnArch belongs to deniedToServer: calls that not every processor has.
var deniedOnArch = []uint32{unix.SYS_CLOCK_SETTIME64, unix.SYS_CLOCK_ADJTIME64}
