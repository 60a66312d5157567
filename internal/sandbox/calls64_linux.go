//go:build amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x

package sandbox

import "golang.org/x/sys/unix"

// deniedOnArch belongs to deniedToServer: calls that not every processor has.
var deniedOnArch = []uint32{unix.SYS_KEXEC_FILE_LOAD}
