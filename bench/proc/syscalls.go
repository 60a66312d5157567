package proc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Syscalls counts the system calls of a process and its descendants while during
// runs. It attaches strace(1), which makes each call several times slower: divide
// the calls by the bytes that were moved, and measure time in another run. Without
// tracepoints there is no cheaper way. Calls that block at the end are not counted.
//
// The error is exec.ErrNotFound if strace is not installed, and
// errors.ErrUnsupported on systems other than Linux. It is that of the context if
// the context ends before during begins; during is not interrupted.
func Syscalls(ctx context.Context, pid int, during func()) (int64, error) {
	pids, err := traced(pid)
	if err != nil {
		return 0, fmt.Errorf("count system calls: %w", err)
	}
	path, err := exec.LookPath("strace")
	if err != nil {
		return 0, fmt.Errorf("count system calls: %w (apt install strace)", err)
	}
	n, err := runStrace(ctx, path, pids, during)
	if err != nil {
		return 0, fmt.Errorf("count system calls: strace: %w", err)
	}
	return n, nil
}

// straceTimeout is how long strace may take to detach and to print its table.
const straceTimeout = 10 * time.Second

// runStrace attaches the strace at path to all pids and returns the number of
// calls.
func runStrace(ctx context.Context, path string, pids []int, during func()) (int64, error) {
	args := []string{"-c", "-f"}
	for _, pid := range pids {
		args = append(args, "-p", strconv.Itoa(pid))
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // after SIGKILL detaching would take long
	cmd.WaitDelay = straceTimeout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	said := bufio.NewReader(stderr)
	before, attached := awaitAttached(said, len(pids))
	if attached {
		during()
		_ = cmd.Process.Signal(os.Interrupt)
	}
	stuck := time.AfterFunc(straceTimeout, func() { _ = cmd.Process.Kill() })
	table, _ := io.ReadAll(said)
	stuck.Stop()
	err = cmd.Wait()
	switch {
	case attached:
		// The exit status of strace depends on its version: look at the table.
		n, ok := parseSummary(table)
		if !ok {
			return 0, fmt.Errorf("no table; it printed:\n%s", bytes.TrimSpace(table))
		}
		return n, nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err == nil:
		err = errors.New("ended by itself")
	}
	return 0, fmt.Errorf("%w; it printed:\n%s", err, bytes.TrimSpace(append(before, table...)))
}

// awaitAttached reads until strace has reported n processes as attached. It
// returns the text and whether that succeeded.
func awaitAttached(r *bufio.Reader, n int) (read []byte, attached bool) {
	for n > 0 {
		line, err := r.ReadBytes('\n')
		read = append(read, line...)
		if err != nil {
			return read, false
		}
		if reportsState(string(line), "attached") {
			n--
		}
	}
	return read, true
}

// reportsState reports whether strace says in a line that a process is attached or
// detached, as in "strace: Process 12 attached with 3 threads".
func reportsState(line, state string) bool {
	_, after, ok := strings.Cut(line, ": Process ")
	f := strings.Fields(after)
	return ok && len(f) >= 2 && f[1] == state
}

// parseSummary returns the calls in the last row of the table of strace -c:
//
//	% time     seconds  usecs/call     calls    errors syscall
//	------ ----------- ----------- --------- --------- ----------------
//	100.00    0.000007           0        27         2 total
//
// Columns of that row can be empty; the line of dashes shows where they are.
func parseSummary(b []byte) (calls int64, ok bool) {
	var begin, end int
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		if end == 0 && reportsState(line, "detached") {
			ok = true
		}
		if strings.HasPrefix(line, "------ ") {
			ok = false
			columns := strings.Fields(line)
			if len(columns) < 5 {
				return 0, false
			}
			begin, end = 0, 0
			for _, c := range columns[:4] {
				begin, end = end, end+len(c)+1
			}
			continue
		}
		if end > 0 && len(line) >= end && strings.HasSuffix(line, " total") {
			n, err := strconv.ParseInt(strings.TrimSpace(line[begin:end]), 10, 64)
			return n, err == nil
		}
	}
	return 0, ok
}
