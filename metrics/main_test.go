package metrics

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// roleEnv makes the test binary a process for the tests to read: it prints a line
// to stdout when it is ready, and exits when stdin ends.
const roleEnv = "METRICS_TEST_ROLE"

func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(roleEnv); ok {
		if err := runRole(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// elsewhereName is the address of a unix socket.
const elsewhereName = "@sluice-metrics-elsewhere"

// init keeps the first thread for the main goroutine. Tests that change the
// namespace or the user of their thread must not run on it: it never ends, and
// /proc/self shows it.
func init() { runtime.LockOSThread() }

// runRole runs a role: "idle"; "named NAME", which also renames the process;
// "headless", whose first thread ends; "listening", with a socket of each kind; or
// "sockets PID" and "threads", which do not wait but call printSocketsError and
// printFirstThreads.
func runRole(role string) error {
	if role == "headless" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
		fmt.Println("ready")
		return endThread()
	}
	if pid, ok := strings.CutPrefix(role, "sockets "); ok {
		n, err := strconv.Atoi(pid)
		printSocketsError(n)
		return err
	}
	if role == "threads" {
		printFirstThreads()
		return nil
	}
	if role == "listening" {
		for network, address := range map[string]string{"tcp4": "0.0.0.0:0", "unix": elsewhereName} {
			ln, err := net.Listen(network, address)
			if err != nil {
				return err
			}
			defer ln.Close()
		}
		c, err := net.ListenUDP("udp4", nil)
		if err != nil {
			return err
		}
		defer c.Close()
	}
	if name, ok := strings.CutPrefix(role, "named "); ok {
		if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
