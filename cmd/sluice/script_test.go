package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/nettest/s3store"
)

// The scripts run the real program in a process of its own.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluice": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values[backgroundKey{}] = new(background)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status":  exitStatus,
			"start":   start,
			"fill":    fill,
			"signal":  signalServer,
			"ended":   ended,
			"hold":    hold,
			"release": release,
			"refused": refused,
			"occupy":  occupy,
			"appears": appears,
			"running": running,
			"store":   store,
		},
	})
}

// timeout bounds every wait of a script for something that must happen.
const timeout = 30 * time.Second

// background is what runs next to a script.
type background struct {
	server *exec.Cmd
	log    strings.Builder // of the server, complete once it has ended
	held   *http.Response  // a download that has started and waits
}

type backgroundKey struct{}

func backgroundOf(ts *testscript.TestScript) *background {
	return ts.Value(backgroundKey{}).(*background)
}

// status CODE PROGRAM ARG... runs a program that must exit with that status.
func exitStatus(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	code := 0
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s exited with %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// start ARG... runs "sluice serve ARG..." in the background and waits until it has
// printed its URLs. It sets $HTTP, $HTTPS and $FTP to the addresses, and $PID.
func start(ts *testscript.TestScript, _ bool, args []string) {
	s := backgroundOf(ts)
	program, err := exec.LookPath("sluice")
	ts.Check(err)
	argv := append([]string{"serve"}, args...)
	if os.Geteuid() == 0 { // the owner of the files of the script
		argv = append(argv, "--run-as", "root")
	}
	s.server = exec.Command(program, argv...)
	s.server.Dir = ts.Getenv("WORK")
	s.server.Stderr = &s.log
	stdout, err := s.server.StdoutPipe()
	ts.Check(err)
	ts.Check(s.server.Start())
	ts.Defer(func() { _ = s.server.Process.Kill() })
	ts.Setenv("PID", strconv.Itoa(s.server.Process.Pid))
	urls := bufio.NewScanner(stdout)
	for _, scheme := range []string{"http", "https", "ftp"} {
		if slices.Contains(args, "--"+scheme+"=") || scheme == "https" && !slices.Contains(args, "--https") {
			continue
		}
		if !urls.Scan() {
			ts.Fatalf("the server ended without printing its %s URL:\n%s", scheme, s.log.String())
		}
		addr, ok := strings.CutPrefix(urls.Text(), scheme+"://")
		if !ok {
			ts.Fatalf("the server printed %q, want its %s URL", urls.Text(), scheme)
		}
		ts.Setenv(strings.ToUpper(scheme), strings.TrimSuffix(addr, "/"))
	}
}

// fill FILE SIZE makes a file of zeros.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	name := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(name, nil, 0o644))
	ts.Check(os.Truncate(name, size))
}

// signal NAME sends the server SIGTERM or SIGINT.
func signalServer(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt}[args[0]]
	ts.Check(backgroundOf(ts).server.Process.Signal(sig))
}

// ended STATUS waits for the server to exit with that status and makes its
// log $WORK/log.
func ended(ts *testscript.TestScript, _ bool, args []string) {
	s := backgroundOf(ts)
	timer := time.AfterFunc(timeout, func() { _ = s.server.Process.Signal(syscall.SIGQUIT) })
	err := s.server.Wait()
	timer.Stop()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs("log"), []byte(s.log.String()), 0o644))
	if got := s.server.ProcessState.ExitCode(); strconv.Itoa(got) != args[0] {
		ts.Fatalf("the server exited with %d, want %s:\n%s", got, args[0], s.log.String())
	}
}

// hold PATH starts to download a file by HTTP and reads only the header.
func hold(ts *testscript.TestScript, _ bool, args []string) {
	resp, err := http.Get("http://" + ts.Getenv("HTTP") + args[0])
	ts.Check(err)
	backgroundOf(ts).held = resp
	ts.Defer(func() { _ = resp.Body.Close() })
}

// release continues the held download and wants it complete; with ! it wants it cut.
func release(ts *testscript.TestScript, neg bool, _ []string) {
	resp := backgroundOf(ts).held
	n, err := io.Copy(io.Discard, resp.Body)
	whole := err == nil && n == resp.ContentLength
	if whole == neg {
		ts.Fatalf("got %d of %d bytes, %v", n, resp.ContentLength, err)
	}
}

// refused ADDR waits until no connection is accepted at ADDR.
func refused(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(timeout); ; {
		c, err := net.Dial("tcp", args[0])
		if err != nil {
			return
		}
		_ = c.Close()
		if time.Now().After(deadline) {
			ts.Fatalf("%s still accepts connections", args[0])
		}
	}
}

// occupy VARIABLE listens on a port and sets the variable to its address.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = ln.Close() })
	ts.Setenv(args[0], fmt.Sprint(ln.Addr()))
}

// store KEY... starts an object store whose bucket pub has objects of these keys, and sets $STORE to its URL.
func store(ts *testscript.TestScript, _ bool, args []string) {
	s := s3store.Serve(args...)
	ts.Defer(s.Close)
	ts.Setenv("STORE", s.URL)
}

// appears PATTERN waits until a file name matches; with ! it wants no match.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	await(ts, neg, args[0], func() bool {
		names, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		return len(names) > 0
	})
}

// running DIR waits until a process has an argument below DIR; with ! it wants none.
func running(ts *testscript.TestScript, neg bool, args []string) {
	await(ts, neg, args[0], func() bool {
		lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
		ts.Check(err)
		for _, name := range lines {
			line, _ := os.ReadFile(name) // it may have ended
			if bytes.Contains(line, []byte("\x00"+args[0]+"/")) {
				return true
			}
		}
		return false
	})
}

// await waits until a condition holds; with neg it wants that it does not hold.
func await(ts *testscript.TestScript, neg bool, what string, holds func() bool) {
	for deadline := time.Now().Add(timeout); holds() == neg; {
		if neg {
			ts.Fatalf("%s exists", what)
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not exist", what)
		}
		time.Sleep(time.Millisecond)
	}
}
