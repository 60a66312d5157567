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

// Syscalls counts the system calls that a process and its descendants make
// while during runs. It attaches strace(1), which makes each call several times
// slower: count calls by what was moved, and measure time in another run. Calls
// that wait at the end are not counted.
//
// The error is exec.ErrNotFound if strace is not installed, errors.ErrUnsupported
// on systems other than Linux. It is the context's if that ends before during
// has begun; during is not interrupted.
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

// goodbye is how long strace may take to let go and to print its table.
const goodbye = 10 * time.Second

// runStrace attaches the strace at path to all pids and returns the calls it
// has counted.
func runStrace(ctx context.Context, path string, pids []int, during func()) (int64, error) {
	args := []string{"-c", "-f"}
	for _, pid := range pids {
		args = append(args, "-p", strconv.Itoa(pid))
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // killed, it would take long to let go
	cmd.WaitDelay = goodbye
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
	stuck := time.AfterFunc(goodbye, func() { _ = cmd.Process.Kill() })
	table, _ := io.ReadAll(said)
	stuck.Stop()
	err = cmd.Wait()
	switch {
	case attached:
		// How strace exits depends on its version; what counts is the table.
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

// awaitAttached reads until n processes are said to be attached. It returns
// what it has read, and whether that was so.
func awaitAttached(r *bufio.Reader, n int) (read []byte, attached bool) {
	for n > 0 {
		line, err := r.ReadBytes('\n')
		read = append(read, line...)
		if err != nil {
			return read, false
		}
		if tells(string(line), "attached") {
			n--
		}
	}
	return read, true
}

// tells says whether a line has strace tell that a process is attached or
// detached, as in "strace: Process 12 attached with 3 threads".
func tells(line, state string) bool {
	_, after, ok := strings.Cut(line, ": Process ")
	f := strings.Fields(after)
	return ok && len(f) >= 2 && f[1] == state
}

// parseSummary reads the calls from the last row of the table that strace -c
// prints:
//
//	% time     seconds  usecs/call     calls    errors syscall
//	------ ----------- ----------- --------- --------- ----------------
//	100.00    0.000007           0        27         2 total
//
// Some columns of that row can be empty, so that only the line of dashes tells
// where the calls are.
func parseSummary(b []byte) (calls int64, ok bool) {
	var begin, end int
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		if end == 0 && tells(line, "detached") {
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
