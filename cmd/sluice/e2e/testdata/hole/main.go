//go:build linux

// Command hole is a server with a deliberate vulnerability: it contains itself by package
// sandbox as "sluice serve" does, and then does what its input says, on threads that were
// started before and after. The tests of e2e run it. It is never installed.
//
//	hole [-write] [-run-as USER] [-named FILE] DIR
//
// A line of input is an action and its arguments, separated by tabs. Three threads do the
// action one after the other. The answer is a line with the error of each, or "ok",
// separated by tabs.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"sluice/internal/sandbox"
)

func main() {
	sandbox.RunHelper()
	if err := run(); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// files opens the file of -named.
var files *sandbox.Files

func run() error {
	write := flag.Bool("write", false, "allow writing to the tree")
	runAs := flag.String("run-as", "", "user to run as")
	named := flag.String("named", "", "file that the helper may open")
	flag.Parse()
	dir := flag.Arg(0)

	user, err := sandbox.ChooseUser(*runAs, dir)
	if err != nil {
		return err
	}
	before := startThread()
	if *named != "" {
		if files, err = sandbox.StartFiles(sandbox.NamedFiles{Read: []string{*named}}); err != nil {
			return err
		}
	}
	report, err := sandbox.Contain(sandbox.Plan{User: user, Mode: sandbox.Required, Trees: []string{dir}, Write: *write})
	if err != nil {
		return err
	}
	fmt.Println("contained", report.User, report.Landlock)
	threads := []thread{before, startThread(), startThread()}

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		action := strings.Split(lines.Text(), "\t")
		var answers []string
		for _, t := range threads {
			t.actions <- action
			answer := "ok"
			if err := <-t.errs; err != nil {
				answer = err.Error()
				if errno := syscall.Errno(0); errors.As(err, &errno) {
					answer = unix.ErrnoName(errno)
				}
			}
			answers = append(answers, answer)
		}
		fmt.Println(strings.Join(answers, "\t"))
	}
	return lines.Err()
}

// thread does actions on an operating system thread of its own.
type thread struct {
	actions chan []string
	errs    chan error
}

func startThread() thread {
	t := thread{make(chan []string), make(chan error)}
	started := make(chan bool)
	go func() {
		runtime.LockOSThread()
		close(started)
		for action := range t.actions {
			t.errs <- do(action[0], action[1:])
		}
	}()
	<-started
	return t
}

func do(action string, args []string) error {
	call := func(nr uintptr, args ...uintptr) error {
		var a [6]uintptr
		copy(a[:], args)
		if _, _, errno := syscall.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
			return errno
		}
		return nil
	}
	switch action {
	case "read":
		_, err := os.ReadFile(args[0])
		return err
	case "list":
		_, err := os.ReadDir(args[0])
		return err
	case "write":
		return os.WriteFile(args[0], []byte("x"), 0o600)
	case "rename":
		return os.Rename(args[0], args[1])
	case "truncate":
		return os.Truncate(args[0], 0)
	case "named":
		f, err := files.Open(args[0])
		if err == nil {
			_ = f.Close()
		}
		return err
	case "exec":
		_, err := syscall.ForkExec(args[0], args, nil)
		return err
	case "replace":
		return syscall.Exec(args[0], args, nil)
	case "fexec":
		fd, err := unix.MemfdCreate("x", 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Exec(fmt.Sprintf("/proc/self/fd/%d", fd), []string{"x"}, nil)
	case "ptrace":
		return syscall.PtraceAttach(os.Getppid())
	case "peek":
		var b [1]byte
		_, err := unix.ProcessVMReadv(os.Getpid(), []unix.Iovec{{Base: &b[0], Len: 1}}, []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&b)), Len: 1}}, 0)
		return err
	case "kill":
		return syscall.Kill(os.Getppid(), 0)
	case "mount":
		return unix.Mount("none", args[0], "tmpfs", 0, "")
	case "open_tree":
		return call(unix.SYS_OPEN_TREE, ^uintptr(99), uintptr(unsafe.Pointer(&[]byte("/\x00")[0])), 1)
	case "chroot":
		return syscall.Chroot(args[0])
	case "unshare":
		return unix.Unshare(unix.CLONE_NEWUSER)
	case "setns":
		return unix.Setns(0, 0)
	case "clone":
		return call(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD))
	case "keyctl":
		_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
		return err
	case "bpf":
		return call(unix.SYS_BPF)
	case "perf":
		return call(unix.SYS_PERF_EVENT_OPEN)
	case "module":
		return unix.FinitModule(0, "", 0)
	case "io_uring":
		return call(unix.SYS_IO_URING_SETUP, 1)
	case "handle":
		_, _, err := unix.NameToHandleAt(unix.AT_FDCWD, args[0], 0)
		return err
	case "clock":
		return unix.ClockSettime(unix.CLOCK_REALTIME, &unix.Timespec{Sec: 1})
	case "reboot":
		return unix.Reboot(0)
	case "root":
		return syscall.Setresuid(0, 0, 0)
	case "device":
		return unix.Mknod(args[0], unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3)))
	case "socket":
		ln, err := net.Listen("unix", args[0])
		if err == nil {
			_ = ln.Close()
		}
		return err
	case "netlink":
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_SOCK_DIAG)
		if err == nil {
			_ = unix.Close(fd)
		}
		return err
	case "listen":
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		c, err := net.Dial("tcp", ln.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	return fmt.Errorf("unknown action %q", action)
}
