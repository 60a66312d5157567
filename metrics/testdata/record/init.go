package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// initMain is the main function of the first process of the machine. It powers the
// machine off at its end.
func initMain() {
	if err := runAsInit(); err != nil {
		fmt.Println("FAILED:", err)
	}
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) // arm64
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)   // amd64 without ACPI
}

// runAsInit prepares the machine, and runs the tests or makes the recording.
func runAsInit() error {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"},
	} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	if err := os.Setenv("PATH", "/bin"); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	modules, _ := filepath.Glob("/modules/*")
	for _, name := range modules {
		if err := loadModule(name); err != nil {
			fmt.Printf("%s: %v\n", name, err) // the module may be built into the kernel
		}
	}
	if arguments, err := os.ReadFile("/tests/arguments"); err == nil {
		return runTests(strings.Fields(string(arguments)))
	}
	return recordAll()
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

func loadModule(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(name, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	return unix.FinitModule(int(f.Fd()), "", flags)
}

func runTests(arguments []string) error {
	tests, err := filepath.Glob("/tests/*.test")
	if err != nil {
		return err
	}
	for _, test := range tests {
		cmd := exec.Command(test, arguments...)
		cmd.Dir = "/tests"
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		fmt.Println(test, cmd.Run()) // "<nil>" when all passed
	}
	return nil
}

// recordAll starts processes and makes sockets, and writes the recording of them to
// the console.
func recordAll() error {
	var all []int
	for _, name := range []string{"idle", "hostile", "newline", "threads", "deleted", "stranger", "true"} {
		pid, err := start("/bin/" + name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, pid)
	}
	sockets, err := makeSockets()
	if err != nil {
		return err
	}
	if err := limitSelf(); err != nil {
		return err
	}
	archive, err := record(append(all, os.Getpid(), 2), sockets)
	runtime.KeepAlive(keepOpen)
	if err != nil {
		return err
	}
	fmt.Println(beginMark)
	for line := range slices.Chunk(archive, 48) {
		fmt.Println(base64.StdEncoding.EncodeToString(line))
	}
	fmt.Println(endMark)
	return nil
}
