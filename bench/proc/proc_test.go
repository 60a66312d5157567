package proc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// roles are the programs that this test binary can be.
var roles = map[string]func(args []string) error{}

const roleVar = "SLUICE_PROC_TEST_ROLE"

func TestMain(m *testing.M) {
	// A process under the race detector would sleep for a second at its end.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	if role, ok := roles[os.Getenv(roleVar)]; ok {
		if err := role(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func init() {
	roles["fail"] = func([]string) error { return errors.New("no such luck") }
	roles["end"] = func([]string) error { return nil }
	roles["echo"] = func([]string) error {
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	}
	// wait prints its process number and runs until its standard input ends.
	roles["wait"] = func([]string) error {
		fmt.Println("pid", os.Getpid())
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
}

// playing returns the command of this test binary in a role.
func playing(role string, args ...string) Command {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Command{Args: append([]string{self}, args...), Env: []string{roleVar + "=" + role}}
}

// start starts a command that is stopped at the end of the test.
func start(t *testing.T, c Command) *Process {
	t.Helper()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(0); err != nil {
			t.Error(err)
		}
	})
	return p
}

// pipe returns a pipe that is closed with the test.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

func TestServerThatEndsByItselfHasFailed(t *testing.T) {
	tests := map[string]struct {
		role string
		want []string
	}{
		"with a status and a message": {"fail", []string{"exit status 1", "it printed:\nno such luck"}},
		"with success":                {"end", []string{"ended by itself"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			p := start(t, playing(tt.role))
			<-p.Exited()
			for _, want := range tt.want {
				if got := fmt.Sprint(p.Err()); !strings.Contains(got, want) {
					t.Errorf("got error %q, want %q in it", got, want)
				}
			}
			if err := p.Stop(time.Minute); err != nil {
				t.Errorf("Stop: got %v, want nil", err)
			}
		})
	}
}

func TestStopIsNoFailure(t *testing.T) {
	nettest.CheckLeaks(t)
	stdin, _ := pipe(t)
	c := playing("wait")
	c.Stdin = stdin
	p := start(t, c)
	if err := p.Err(); err != nil {
		t.Errorf("Err while it runs: got %v, want nil", err)
	}
	for range 2 {
		if err := p.Stop(time.Minute); err != nil {
			t.Errorf("Stop: got %v, want nil", err)
		}
	}
	<-p.Exited()
	if err := p.Err(); err != nil {
		t.Errorf("Err after Stop: got %v, want nil", err)
	}
}

func TestPIDIsTheServer(t *testing.T) {
	nettest.CheckLeaks(t)
	stdin, _ := pipe(t)
	r, stdout := pipe(t)
	c := playing("wait")
	c.Stdin, c.Stdout = stdin, stdout
	p := start(t, c)
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if got, want := line, fmt.Sprintf("pid %d\n", p.PID()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOutputEndsWithTheServer(t *testing.T) {
	nettest.CheckLeaks(t)
	stdin, feed := pipe(t)
	r, stdout := pipe(t)
	c := playing("echo")
	c.Stdin, c.Stdout = stdin, stdout
	start(t, c)
	_ = stdout.Close()
	if _, err := feed.WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	got, err := io.ReadAll(r)
	if string(got) != "hello" || err != nil {
		t.Errorf("got %q, %v, want hello and its end", got, err)
	}
}

func TestLogGetsAllAndTheTailIsKept(t *testing.T) {
	nettest.CheckLeaks(t)
	text := strings.Repeat("one line of many\n", 10_000) + "the last\n"
	stdin, feed := pipe(t)
	var log strings.Builder
	c := playing("echo")
	c.Stdin, c.Log = stdin, &log
	p := start(t, c)
	if _, err := feed.WriteString(text); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	<-p.Exited()
	if err := p.Stop(0); err != nil {
		t.Fatal(err)
	}
	if log.String() != text {
		t.Errorf("the log got %d bytes, want %d", log.Len(), len(text))
	}
	got := p.Printed()
	if !strings.HasPrefix(got, "one line") || !strings.HasSuffix(got, "\nthe last") || len(got) > tailSize || len(got) < tailSize/2 {
		t.Errorf("kept %d bytes, %.20q, want at most %d, whole lines, the last of them", len(got), got, tailSize)
	}
}

func TestStartSaysWhyItFails(t *testing.T) {
	tests := map[string]struct {
		command Command
		want    error
	}{
		"no program":                   {Command{}, nil},
		"program not on PATH":          {Command{Args: []string{"sluice-no-such-program"}}, exec.ErrNotFound},
		"folder that does not exist":   {Command{Args: []string{os.Args[0]}, Dir: "no/such/folder"}, os.ErrNotExist},
		"processors that do not exist": {Command{Args: []string{os.Args[0]}, CPUs: []int{1000}}, nil},
		"no processor at all":          {Command{Args: []string{os.Args[0]}, CPUs: []int{}}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			p, err := Start(tt.command)
			if err == nil {
				t.Errorf("got no error, want one")
				_ = p.Stop(0)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTailKeepsWholeLines(t *testing.T) {
	long := strings.Repeat("x", tailSize)
	tests := map[string]struct{ written, want string }{
		"nothing":                     {"", ""},
		"a little":                    {"a\nb\n", "a\nb"},
		"a first line that is cut":    {"first\n" + strings.Repeat("y", tailSize-5) + "\nlast\n", "last"},
		"one line longer than it all": {"abc" + long, long},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var whole, pieces tail
			_, _ = io.WriteString(&whole, tt.written)
			for _, b := range []byte(tt.written) {
				_, _ = pieces.Write([]byte{b})
			}
			for how, got := range map[string]string{"at once": whole.String(), "in pieces": pieces.String()} {
				if got != tt.want {
					t.Errorf("%s: got %.40q, want %.40q", how, got, tt.want)
				}
			}
		})
	}
}
