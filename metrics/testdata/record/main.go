// Command record boots a Linux kernel in qemu, starts unusual processes and sockets
// there, and writes their /proc, /sys and sock_diag to an archive for the tests of
// package metrics. In the machine it runs itself as init.
//
//	go run ./metrics/testdata/record -kernel vmlinuz -o metrics/testdata/linux-6.1-amd64.tar.gz inet_diag.ko tcp_diag.ko
//
// The arguments are files for the machine: kernel modules (*.ko, *.ko.xz), which it
// loads in this order, and with -test, binaries made by "go test -c", which it runs
// instead of recording. It needs Linux and qemu-system-x86_64, or
// qemu-system-aarch64 for -arch arm64.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if os.Getpid() == 1 {
		initMain()
		return
	}
	if act, ok := roles[os.Args[0]]; ok {
		act()
		return
	}
	log.SetFlags(0)
	log.SetPrefix("record: ")
	var m machine
	flag.StringVar(&m.kernel, "kernel", "", "kernel `file` to boot (vmlinuz)")
	flag.StringVar(&m.arch, "arch", "amd64", "architecture of the machine: amd64 or arm64")
	flag.StringVar(&m.options, "options", "", "additional kernel options; \"cgroup1\" selects cgroups of version 1")
	flag.StringVar(&m.testdata, "testdata", "", "`folder` whose files the tests find in testdata")
	flag.DurationVar(&m.timeout, "timeout", 2*time.Minute, "stop the machine after this time")
	flag.StringVar(&m.test, "test", "", "run the test binaries with these arguments, like -test.short, and record nothing")
	out := flag.String("o", "", "`file` to write the archive to")
	flag.Parse()
	m.files = flag.Args()
	recorded, err := m.run()
	if err == nil && *out != "" {
		err = os.WriteFile(*out, recorded, 0o666)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// A machine describes the machine that qemu emulates.
type machine struct {
	kernel, arch, options, test, testdata string
	files                                 []string
	timeout                               time.Duration
}

// The lines before and after the archive on the machine's console.
const (
	beginMark = "-----BEGIN RECORD-----"
	endMark   = "-----END RECORD-----"
)

// run boots the machine, prints its console, and returns the archive that it
// recorded.
func (m *machine) run() ([]byte, error) {
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "initramfs")
	if err := m.pack(dir, root); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), m.timeout)
	defer cancel()
	qemu := []string{"qemu-system-x86_64", "-machine", "q35", "-cpu", "Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid"}
	console := "ttyS0"
	if m.arch == "arm64" {
		qemu = []string{"qemu-system-aarch64", "-machine", "virt", "-cpu", "max,pauth-impdef=on"}
		console = "ttyAMA0"
	}
	cmd := exec.CommandContext(ctx, qemu[0], append(qemu[1:],
		"-m", "1536", "-smp", "2", "-nographic", "-no-reboot", "-nic", "none", "-kernel", m.kernel, "-initrd", root,
		"-append", fmt.Sprintf("console=%s quiet panic=-1 mitigations=off %s", console, m.options))...)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	recorded, err := readConsole(output)
	return recorded, errors.Join(err, cmd.Wait(), ctx.Err())
}

// readConsole prints the lines of the console, and decodes and returns those
// between beginMark and endMark.
func readConsole(console io.Reader) ([]byte, error) {
	var encoded bytes.Buffer
	recording := false
	lines := bufio.NewScanner(console)
	for lines.Scan() {
		switch line := strings.TrimRight(lines.Text(), "\r"); {
		case strings.HasSuffix(line, beginMark):
			recording = true
		case line == endMark:
			recording = false
		case recording:
			encoded.WriteString(line)
		default:
			fmt.Println(line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(encoded.String())
}

// pack writes an initramfs with this program as its init.
func (m *machine) pack(dir, name string) error {
	self := filepath.Join(dir, "init")
	build := exec.Command("go", "build", "-trimpath", "-o", self, "./metrics/testdata/record")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+m.arch)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(build.Args, " "), err)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	a := cpio{w: bufio.NewWriter(f)}
	for _, dir := range []string{"bin", "dev", "proc", "sys", "tmp", "etc", "modules", "tests", "tests/testdata"} {
		a.add(dir, 0o40755, nil)
	}
	a.add("etc/passwd", 0o100644, []byte("root:x:0:0::/:/bin/true\n"))
	a.addFile("init", self)
	for role := range roles {
		a.add(role[1:], 0o120777, []byte("/init"))
	}
	for i, file := range m.files {
		folder := "modules"
		if m.test != "" && !strings.Contains(file, ".ko") {
			folder = "tests"
		}
		a.addFile(fmt.Sprintf("%s/%02d-%s", folder, i, filepath.Base(file)), file)
	}
	if m.test != "" {
		a.add("tests/arguments", 0o100644, []byte(m.test))
	}
	if m.testdata != "" {
		data, err := filepath.Glob(filepath.Join(m.testdata, "*.*"))
		if err != nil {
			return err
		}
		for _, file := range data {
			a.addFile("tests/testdata/"+filepath.Base(file), file)
		}
	}
	a.add("TRAILER!!!", 0, nil)
	return errors.Join(a.err, a.w.Flush())
}

// A cpio writes an archive in the "newc" format, see the kernel's
// driver-api/early-userspace/buffer-format.
type cpio struct {
	w     *bufio.Writer
	inode int
	err   error // all errors so far, joined
}

func (a *cpio) addFile(name, from string) {
	content, err := os.ReadFile(from)
	a.err = errors.Join(a.err, err)
	a.add(name, 0o100755, content)
}

func (a *cpio) add(name string, mode int, content []byte) {
	a.inode++
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	for _, part := range []string{header, string(content)} {
		_, err := io.WriteString(a.w, part+strings.Repeat("\x00", -len(part)&3))
		a.err = errors.Join(a.err, err)
	}
}
