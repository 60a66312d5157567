package sandbox

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// deniedToServer are system calls that a server never makes and an attacker would: to run
// programs, to read other processes, to change mounts, clocks, the kernel. They fail with
// EPERM. All others are allowed, netlink and connect among them.
var deniedToServer = slices.Concat([]uint32{
	unix.SYS_EXECVE, unix.SYS_EXECVEAT,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR,
	unix.SYS_MOUNT_SETATTR, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_SETNS, unix.SYS_UNSHARE, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT,
	unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_REBOOT, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SYSLOG, unix.SYS_VHANGUP,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	unix.SYS_PERSONALITY,
}, deniedOnArch)

// deniedToHelper are the calls that the helper does not make either.
var deniedToHelper = slices.Concat(deniedToServer, []uint32{
	unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT4, unix.SYS_KILL,
})

// filterCalls makes system calls fail with EPERM in all threads, permanently. It requires
// no_new_privs.
func filterCalls(denied []uint32) error {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("there is no filter for %s", runtime.GOARCH)
	}
	prog := buildFilter(arch, denied)
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	set := func(flags uintptr) (thread uintptr, errno syscall.Errno) {
		thread, _, errno = syscall.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&fprog)))
		return thread, errno
	}
	// Without SPEC_ALLOW, kernels before 5.16 also disable speculation, which is slow and only
	// protects programs that run untrusted code.
	id, errno := set(unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW)
	if errno == syscall.EINVAL { // before 4.17
		id, errno = set(unix.SECCOMP_FILTER_FLAG_TSYNC)
	}
	switch {
	case errno == syscall.ENOSYS, errno == syscall.EINVAL:
		return fmt.Errorf("this kernel has none: %w", errno)
	case errno != 0:
		return errno
	case id != 0:
		return fmt.Errorf("thread %d has another filter", id)
	}
	return nil
}

// auditArch are the values of seccomp_data.arch.
var auditArch = map[string]uint32{
	"386": unix.AUDIT_ARCH_I386, "amd64": unix.AUDIT_ARCH_X86_64, "arm": unix.AUDIT_ARCH_ARM, "arm64": unix.AUDIT_ARCH_AARCH64,
	"loong64": unix.AUDIT_ARCH_LOONGARCH64, "mips": unix.AUDIT_ARCH_MIPS, "mipsle": unix.AUDIT_ARCH_MIPSEL, "mips64": unix.AUDIT_ARCH_MIPS64,
	"mips64le": unix.AUDIT_ARCH_MIPSEL64, "ppc64": unix.AUDIT_ARCH_PPC64, "ppc64le": unix.AUDIT_ARCH_PPC64LE,
	"riscv64": unix.AUDIT_ARCH_RISCV64, "s390x": unix.AUDIT_ARCH_S390X,
}

// Offsets in struct seccomp_data, seccomp(2).
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
)

const (
	x32Bit     = 0x40000000 // set in call numbers of the x32 ABI
	namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	tiocLinux  = 0x541C // TIOCLINUX: pastes into a console
)

// argument returns the offset of the lower 32 bits of an argument.
func argument(arch, n uint32) uint32 {
	const littleEndian = 0x40000000 // __AUDIT_ARCH_LE
	off := offsetArgs + 8*n
	if arch&littleEndian == 0 {
		off += 4
	}
	return off
}

// buildFilter returns the filter program. All calls of other ABIs, such as i386 on amd64, are
// denied, because their numbers mean other calls.
func buildFilter(arch uint32, denied []uint32) []unix.SockFilter {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		above = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		set   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		ret   = unix.BPF_RET | unix.BPF_K
	)
	deny := func(errno syscall.Errno) unix.SockFilter {
		return unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}
	}
	allow := unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW}
	// Jt and Jf are numbers of instructions to skip.
	prog := []unix.SockFilter{
		{Code: load, K: offsetArch},
		{Code: equal, K: arch, Jt: 1},
		deny(syscall.EPERM),
		{Code: load, K: offsetNumber},
	}
	if arch == unix.AUDIT_ARCH_X86_64 {
		prog = append(prog, unix.SockFilter{Code: above, K: x32Bit, Jf: 1}, deny(syscall.EPERM))
	}
	for _, nr := range denied {
		prog = append(prog, unix.SockFilter{Code: equal, K: nr, Jf: 1}, deny(syscall.EPERM))
	}
	// The arguments of clone3 are in memory, which a filter cannot read. With ENOSYS, libraries
	// fall back to clone.
	prog = append(prog, unix.SockFilter{Code: equal, K: unix.SYS_CLONE3, Jf: 1}, deny(syscall.ENOSYS))
	flags := uint32(0)
	if arch == unix.AUDIT_ARCH_S390X {
		flags = 1 // clone(2): the first two arguments are swapped
	}
	return append(
		prog,
		// clone: no new namespaces.
		unix.SockFilter{Code: equal, K: unix.SYS_CLONE, Jf: 4},
		unix.SockFilter{Code: load, K: argument(arch, flags)},
		unix.SockFilter{Code: set, K: namespaces, Jf: 1},
		deny(syscall.EPERM),
		allow,
		// ioctl: no input to the terminal that the server was started from.
		unix.SockFilter{Code: equal, K: unix.SYS_IOCTL, Jf: 4},
		unix.SockFilter{Code: load, K: argument(arch, 1)},
		unix.SockFilter{Code: equal, K: unix.TIOCSTI, Jt: 1},
		unix.SockFilter{Code: equal, K: tiocLinux, Jf: 1},
		deny(syscall.EPERM),
		allow,
	)
}
