package sandbox

import (
	"runtime"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// run applies a filter to a system call, as the kernel does.
func run(t *testing.T, prog []unix.SockFilter, arch, nr uint32, args [6]uint64) uint32 {
	t.Helper()
	littleEndian := arch&0x40000000 != 0
	load := func(off uint32) uint32 {
		switch {
		case off == offsetNumber:
			return nr
		case off == offsetArch:
			return arch
		}
		arg := args[(off-offsetArgs)/8]
		if lower := (off-offsetArgs)%8 == 0; lower == littleEndian {
			return uint32(arg)
		}
		return uint32(arg >> 32)
	}
	var a uint32
	for pc := 0; pc < len(prog); pc++ {
		i := prog[pc]
		holds := false
		switch i.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = load(i.K)
			continue
		case unix.BPF_RET | unix.BPF_K:
			return i.K
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			holds = a == i.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			holds = a >= i.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			holds = a&i.K != 0
		default:
			t.Fatalf("instruction %d has the code %#x", pc, i.Code)
		}
		if holds {
			pc += int(i.Jt)
		} else {
			pc += int(i.Jf)
		}
	}
	t.Fatal("the filter ends without a result")
	return 0
}

func TestDeniedCalls(t *testing.T) {
	const (
		allowed = uint32(unix.SECCOMP_RET_ALLOW)
		eperm   = unix.SECCOMP_RET_ERRNO | uint32(syscall.EPERM)
		enosys  = unix.SECCOMP_RET_ERRNO | uint32(syscall.ENOSYS)
	)
	arch := auditArch[runtime.GOARCH]
	prog := buildFilter(arch, deniedToServer)
	flags := func(f uint64) (args [6]uint64) {
		args[0], args[1] = f, 1
		if runtime.GOARCH == "s390x" {
			args[0], args[1] = args[1], args[0]
		}
		return args
	}
	for _, tt := range []struct {
		name string
		nr   uint32
		args [6]uint64
		want uint32
	}{
		{"read", unix.SYS_READ, [6]uint64{}, allowed},
		{"openat", unix.SYS_OPENAT, [6]uint64{}, allowed},
		{"connect", unix.SYS_CONNECT, [6]uint64{}, allowed},
		{"a socket, of netlink too", unix.SYS_SOCKET, [6]uint64{unix.AF_NETLINK}, allowed},
		{"sendfile", unix.SYS_SENDFILE, [6]uint64{}, allowed},
		{"splice", unix.SYS_SPLICE, [6]uint64{}, allowed},
		{"a thread", unix.SYS_CLONE, flags(unix.CLONE_VM | unix.CLONE_THREAD), allowed},
		{"a user namespace", unix.SYS_CLONE, flags(unix.CLONE_NEWUSER), eperm},
		{"clone3, whose flags cannot be seen", unix.SYS_CLONE3, [6]uint64{}, enosys},
		{"the size of a terminal", unix.SYS_IOCTL, [6]uint64{0, unix.TIOCGWINSZ}, allowed},
		{"typing into a terminal", unix.SYS_IOCTL, [6]uint64{0, unix.TIOCSTI}, eperm},
		{"the same with bits that the kernel ignores", unix.SYS_IOCTL, [6]uint64{0, 1<<32 | unix.TIOCSTI}, eperm},
		{"pasting into a console", unix.SYS_IOCTL, [6]uint64{0, tiocLinux}, eperm},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(t, prog, arch, tt.nr, tt.args); got != tt.want {
				t.Errorf("got %#x, want %#x", got, tt.want)
			}
		})
	}
	for _, nr := range deniedToServer {
		if got := run(t, prog, arch, nr, [6]uint64{}); got != eperm {
			t.Errorf("call %d: got %#x, want EPERM", nr, got)
		}
	}
	if got := run(t, prog, unix.AUDIT_ARCH_I386^1<<5, unix.SYS_READ, [6]uint64{}); got != eperm {
		t.Errorf("a call of another processor: got %#x, want EPERM", got)
	}
	if runtime.GOARCH == "amd64" {
		const execveOfI386 = 11
		if got := run(t, prog, unix.AUDIT_ARCH_I386, execveOfI386, [6]uint64{}); got != eperm {
			t.Errorf("execve of i386: got %#x, want EPERM", got)
		}
		if got := run(t, prog, arch, x32Bit|unix.SYS_EXECVE, [6]uint64{}); got != eperm {
			t.Errorf("a call of x32: got %#x, want EPERM", got)
		}
	}
}

func TestTheHelperHasNoNetwork(t *testing.T) {
	for _, nr := range []uint32{unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_EXECVE} {
		if !slices.Contains(deniedToHelper, nr) {
			t.Errorf("the helper may make call %d", nr)
		}
	}
}

// Every processor that Go builds for has its filter.
func TestEveryProcessorIsKnown(t *testing.T) {
	for _, arch := range []string{"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x"} {
		if auditArch[arch] == 0 {
			t.Errorf("%s has no number", arch)
		}
	}
}
