package proc

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

// family is a shell script with a child and a daemon, which has a session of its
// own and whose parent has ended. All ignore SIGTERM. Each prints a line when it
// runs.
const family = `
trap '' TERM
( echo child; exec sleep 1000 ) &
( ( setsid sh -c 'echo daemon; exec sleep 1000' & ) & )
echo server
exec sleep 1000
`

func init() {
	// parent starts a family, which prints its lines, and waits to be killed.
	roles["parent"] = func([]string) error {
		c := Command{Args: []string{"sh", "-c", family}, Stdout: os.Stdout}
		if _, err := Start(c); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
	// burn uses this much processor time.
	roles["burn"] = func(args []string) error {
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		for clock(os.Getpid()) < d {
		}
		return nil
	}
	// forker starts a burn for each line that it reads, waits for it, and prints
	// its processor time.
	roles["forker"] = func(args []string) error {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			c := playing("burn", args...)
			cmd := exec.Command(c.Args[0], c.Args[1:]...)
			cmd.Env = append(os.Environ(), c.Env...)
			if err := cmd.Run(); err != nil {
				return err
			}
			fmt.Println(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime())
		}
		return nil
	}
	// terminated prints a line on SIGTERM, and ends.
	roles["terminated"] = func([]string) error {
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		fmt.Println("ready")
		<-term
		fmt.Println("bye")
		return nil
	}
	// caller makes 1000 system calls for each line that it reads, and prints a
	// line.
	roles["caller"] = func([]string) error {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			for range 1000 {
				_ = unix.Getppid()
			}
			fmt.Println("done")
		}
		return nil
	}
	roles["affinity"] = func([]string) error {
		fmt.Println(CPUs())
		return nil
	}
}

// marked returns the processes with a mark in their environment.
func marked(t *testing.T, mark string) (pids []int) {
	t.Helper()
	names, err := procNames()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		env, err := os.ReadFile(filepath.Join("/proc", name, "environ"))
		if pid, e := strconv.Atoi(name); e == nil && err == nil && strings.Contains(string(env), mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// mark returns a variable that no other process has in its environment.
func mark(t *testing.T) string {
	return fmt.Sprintf("SLUICE_PROC_TEST_MARK=%s-%d", t.Name(), time.Now().UnixNano())
}

// wantLines reads lines until it has read all of want, in any order.
func wantLines(t *testing.T, r *bufio.Reader, want ...string) {
	t.Helper()
	for len(want) > 0 {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%v, and the lines %q are missing", err, want)
		}
		want = slices.DeleteFunc(want, func(w string) bool { return w == strings.TrimSpace(line) })
	}
}

func TestStopLeavesNoProcess(t *testing.T) {
	nettest.CheckLeaks(t)
	r, stdout := pipe(t)
	m := mark(t)
	p := start(t, Command{Args: []string{"sh", "-c", family}, Env: []string{m}, Stdout: stdout})
	wantLines(t, bufio.NewReader(r), "server", "child", "daemon")
	// Four with the supervisor: the shells between them end at any time.
	wantSoon(t, "four processes run", func() bool { return len(marked(t, m)) == 4 })
	if err := p.Stop(10 * time.Millisecond); err != nil {
		t.Error(err)
	}
	if got := marked(t, m); len(got) != 0 {
		t.Errorf("after Stop: got processes %v, want none", got)
	}
}

func TestDaemonOfAServerThatEndedIsFound(t *testing.T) {
	nettest.CheckLeaks(t)
	r, stdout := pipe(t)
	m := mark(t)
	script := `setsid sh -c 'echo daemon; exec sleep 1000' & exit 3`
	p := start(t, Command{Args: []string{"sh", "-c", script}, Env: []string{m}, Stdout: stdout})
	wantLines(t, bufio.NewReader(r), "daemon")
	<-p.Exited()
	if got := fmt.Sprint(p.Err()); !strings.Contains(got, "exit status 3") {
		t.Errorf("got error %q, want exit status 3", got)
	}
	u, err := p.Usage()
	if u.Processes != 1 || err != nil {
		t.Errorf("got %d processes, %v, want 1", u.Processes, err)
	}
	if err := p.Stop(time.Minute); err != nil {
		t.Error(err)
	}
	if got := marked(t, m); len(got) != 0 {
		t.Errorf("after Stop: got processes %v, want none", got)
	}
	if u, err := p.Usage(); err == nil {
		t.Errorf("Usage after Stop: got %+v, want an error", u)
	}
}

func TestStopGivesGrace(t *testing.T) {
	nettest.CheckLeaks(t)
	r, stdout := pipe(t)
	c := playing("terminated")
	c.Stdout = stdout
	p := start(t, c)
	_ = stdout.Close()
	said := bufio.NewReader(r)
	wantLines(t, said, "ready")
	if err := p.Stop(time.Minute); err != nil {
		t.Error(err)
	}
	wantLines(t, said, "bye")
}

func TestAKilledParentLeavesNoProcess(t *testing.T) {
	nettest.CheckLeaks(t)
	c := playing("parent")
	m := mark(t)
	parent := exec.Command(c.Args[0])
	parent.Env = append(os.Environ(), append(c.Env, m)...)
	parent.Stderr = os.Stderr
	_, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(stdout)
	wantLines(t, said, "server", "child", "daemon")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The output ends when the last process that could print is dead.
	if rest, err := io.ReadAll(said); err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
	_ = parent.Wait()
	wantSoon(t, "no process is left", func() bool { return len(marked(t, m)) == 0 })
}

// wantSoon waits for a state that the kernel reaches in its own time.
func wantSoon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func TestTheServerDiesWithAKilledSupervisor(t *testing.T) {
	nettest.CheckLeaks(t)
	stdin, _ := pipe(t)
	c := playing("wait")
	c.Stdin = stdin
	p := start(t, c)
	if err := syscall.Kill(p.tree.root(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	if got := fmt.Sprint(p.Err()); !strings.Contains(got, "its supervisor is gone") {
		t.Errorf("got error %q, want that the supervisor is gone", got)
	}
	wantSoon(t, "the server is dead", func() bool {
		s, err := readStat(p.PID())
		return s.zombie || isGone(err) // the process that adopted it may take a while to reap it
	})
}

func TestTheServerRunsOnItsProcessors(t *testing.T) {
	for _, cpu := range CPUs() {
		t.Run(fmt.Sprint("on processor ", cpu), func(t *testing.T) {
			nettest.CheckLeaks(t)
			r, stdout := pipe(t)
			c := playing("affinity")
			c.CPUs, c.Stdout = []int{cpu}, stdout
			start(t, c)
			wantLines(t, bufio.NewReader(r), fmt.Sprint([]int{cpu}))
		})
	}
}

func TestPinHoldsForAllThreads(t *testing.T) {
	if os.Getenv(roleVar) == "" { // in a process of its own: it cannot be undone
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), roleVar+"=pin")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	last := CPUs()[len(CPUs())-1]
	if err := Pin([]int{last}); err != nil {
		t.Fatal(err)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil || len(tasks) < 2 {
		t.Fatalf("got %d threads, %v, want at least 2", len(tasks), err)
	}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(tid, &set); err != nil {
			continue // it has ended
		}
		if !set.IsSet(last) || set.Count() != 1 {
			t.Errorf("thread %d may run on %d processors, want 1", tid, set.Count())
		}
	}
	if err := Pin(nil); err == nil {
		t.Errorf("Pin to no processor: got no error, want one")
	}
}
