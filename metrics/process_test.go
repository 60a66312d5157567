package metrics

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// roleCommand returns the command of the test binary in a role. Without stdin it
// exits at once.
func roleCommand(role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role, "GORACE=atexit_sleep_ms=0") // otherwise the race detector sleeps a second at exit
	return cmd
}

// start starts the test binary in a role and waits until it is ready. It exits at
// the end of the test.
func start(t testing.TB, role string, change ...func(*exec.Cmd)) *exec.Cmd {
	t.Helper()
	cmd := roleCommand(role)
	cmd.Stderr = os.Stderr
	for _, f := range change {
		f(cmd)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatalf("role %q: got %q and %v, want a line", role, line, err)
	}
	return cmd
}

// open opens a process, and closes the handle at the end of the test.
func open(t testing.TB, pid int) *Process {
	t.Helper()
	p, err := Host{}.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func snap(t testing.TB, p *Process, want Fields) Snapshot {
	t.Helper()
	var s Snapshot
	if err := p.Read(&s, want); err != nil {
		t.Fatal(err)
	}
	return s
}

// skipWithoutProcesses skips the test on systems whose processes gopsutil cannot
// read.
func skipWithoutProcesses(t *testing.T) {
	t.Helper()
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd", "openbsd", "windows":
	default:
		t.Skip("gopsutil reads no processes on this system")
	}
}

func TestSelfAgreesWithPackageOS(t *testing.T) {
	nettest.CheckLeaks(t)
	p := Self()
	defer p.Close()
	s := snap(t, p, All)
	if s.ID != p.ID() || s.ID.PID != os.Getpid() {
		t.Errorf("got %v and %v, want PID %d", s.ID, p.ID(), os.Getpid())
	}
	if s.Have.Has(FieldParent) && s.Parent != os.Getppid() {
		t.Errorf("parent: got %d, want %d", s.Parent, os.Getppid())
	}
	if s.Have.Has(FieldIdentity) && runtime.GOOS != "windows" && !slices.Equal(s.Identity.Args, os.Args) {
		t.Errorf("arguments: got %q, want %q", s.Identity.Args, os.Args)
	}
	if s.Have.Has(FieldState) && s.State != Running {
		t.Errorf("state: got %v, want %v", s.State, Running)
	}
	if s.Have.Has(FieldStarted) && (time.Since(s.Started) > time.Hour || time.Until(s.Started) > time.Second) {
		t.Errorf("started: got %v, want a moment ago", s.Started)
	}
	if s.Have.Has(FieldMemory) && (s.Memory.RSS == 0 || s.Memory.VMS < s.Memory.RSS && runtime.GOOS != "windows") {
		t.Errorf("memory: got %+v", s.Memory)
	}
	if runtime.GOOS != "windows" && !s.Have.Has(FieldCPU|FieldSwitches|FieldFaults) {
		t.Errorf("got %v, want at least the groups of getrusage(2)", s.Have)
	}
	if got := Supported(); got&^s.Have != 0 {
		t.Errorf("Supported: got %v, but Read found only %v", got, s.Have)
	}
	if !p.Alive() {
		t.Error("Alive: got false for this process")
	}
}

func TestAProcessThatHasEndedIsErrNoProcess(t *testing.T) {
	skipWithoutProcesses(t)
	nettest.CheckLeaks(t)
	cmd := start(t, "idle")
	p := open(t, cmd.Process.Pid)
	if !p.Alive() {
		t.Error("alive: got false before its end")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	if p.Alive() {
		t.Error("alive: got true after its end")
	}
	for _, field := range []Fields{Basic, FieldCPU, FieldMemory, FieldOwner, FieldIdentity, FieldSwitches, All} {
		s := Snapshot{Name: "old name"}
		if err := p.Read(&s, field); !errors.Is(err, ErrNoProcess) {
			t.Errorf("Read %v: got %v, want ErrNoProcess", field, err)
		} else if s.Have != 0 || s.Name != "" {
			t.Errorf("Read %v: got %+v, want nothing", field, s)
		}
	}
	for name, call := range map[string]func() error{
		"Environ":   func() error { _, err := p.Environ(); return err },
		"OpenFiles": func() error { _, err := p.OpenFiles(); return err },
		"Threads":   func() error { _, err := p.Threads(); return err },
		"Limits":    func() error { _, err := p.Limits(); return err },
		"Children":  func() error { _, err := p.Children(); return err },
		"Parent":    func() error { _, err := p.Parent(); return err },
		"Open":      func() error { _, err := Host{}.Open(p.ID().PID); return err },
	} {
		if err := call(); !errors.Is(err, ErrNoProcess) && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: got %v, want ErrNoProcess", name, err)
		}
	}
}

func TestOpenOfAnImpossiblePID(t *testing.T) {
	skipWithoutProcesses(t)
	for _, pid := range []int{-1, 1<<31 - 1, 1<<31 - 2} {
		if p, err := (Host{}).Open(pid); !errors.Is(err, ErrNoProcess) {
			t.Errorf("%d: got %v and %v, want ErrNoProcess", pid, p, err)
		}
	}
}

func TestAClosedHandleIsFSErrClosed(t *testing.T) {
	p := Self()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Close again: got %v, want fs.ErrClosed", err)
	}
	var s Snapshot
	if err := p.Read(&s, Basic); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Read: got %v, want fs.ErrClosed", err)
	}
	if p.Alive() {
		t.Error("alive: got true")
	}
}

func TestParentAndChildren(t *testing.T) {
	skipWithoutProcesses(t)
	nettest.CheckLeaks(t)
	cmd := start(t, "idle")
	child := open(t, cmd.Process.Pid)
	p := Self()
	defer p.Close()
	children, err := p.Children()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(children, child.ID()) {
		t.Errorf("children: got %v, want %v among them", children, child.ID())
	}
	parent, err := child.Parent()
	if err != nil {
		t.Fatal(err)
	}
	defer parent.Close()
	if parent.ID() != p.ID() {
		t.Errorf("parent: got %v, want %v", parent.ID(), p.ID())
	}
	seen := make(map[ProcessID]int)
	for other, err := range (Host{}).Processes() {
		if err != nil {
			t.Fatal(err)
		}
		seen[other.ID()]++
	}
	if seen[p.ID()] != 1 || seen[child.ID()] != 1 {
		t.Errorf("processes: got parent and child %d and %d times, want once each", seen[p.ID()], seen[child.ID()])
	}
	for range (Host{}).Processes() {
		break // CheckLeaks sees whether a descriptor stays open
	}
}

func TestConcurrentReadsWhileProcessesComeAndGo(t *testing.T) {
	skipWithoutProcesses(t)
	nettest.CheckLeaks(t)
	p := Self()
	defer p.Close()
	var readers, breeder sync.WaitGroup
	stop := make(chan struct{})
	breeder.Go(func() {
		for {
			if err := roleCommand("idle").Run(); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	rounds := 5
	if runtime.GOOS != "linux" {
		rounds = 1
	}
	for range 3 {
		readers.Go(func() {
			var s, own Snapshot
			for range rounds {
				for other, err := range (Host{}).Processes() {
					if err != nil {
						t.Error(err)
						return
					}
					err := other.Read(&s, Basic|FieldSwitches|FieldOwner)
					if err != nil && !errors.Is(err, ErrNoProcess) && !errors.Is(err, fs.ErrPermission) {
						t.Errorf("process %d: %v", other.ID().PID, err)
					}
					if err := p.Read(&own, Basic); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	breeder.Wait()
}

func TestAHandleMayBeClosedWhileItIsRead(t *testing.T) {
	nettest.CheckLeaks(t)
	for range 50 {
		p := Self()
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				var s Snapshot
				for {
					if err := p.Read(&s, Basic); err != nil {
						if !errors.Is(err, fs.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		runtime.Gosched()
		_ = p.Close()
		readers.Wait()
	}
}

func TestCPUPercent(t *testing.T) {
	now := time.Now()
	snapshot := func(after, user, system time.Duration) *Snapshot {
		return &Snapshot{At: now.Add(after), Have: FieldCPU, CPU: CPUTime{User: user, System: system, ChildUser: time.Hour}}
	}
	const second = time.Second
	a := snapshot(0, 10*second, 5*second)
	other := snapshot(second, 20*second, 5*second)
	other.ID.PID = 1
	none := snapshot(second, 20*second, 5*second)
	none.Have = 0
	for _, tt := range []struct {
		name string
		b    *Snapshot
		want float64
	}{
		{"nothing was used", snapshot(second, 10*second, 5*second), 0},
		{"half of one", snapshot(2*second, 10*second+second/2, 5*second+second/2), 50},
		{"three of them", snapshot(second, 12*second, 6*second), 300},
		{"no time has passed", snapshot(0, 12*second, 6*second), 0},
		{"the wrong order", snapshot(-second, 8*second, 5*second), 0},
		{"another process", other, 0},
		{"no CPU time in the snapshot", none, 0},
	} {
		if got := CPUPercent(a, tt.b); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestMemoryPercent(t *testing.T) {
	s := Snapshot{
		Have:      FieldMemory | FieldFootprint,
		Memory:    Memory{RSS: 10, VMS: 20, Shared: 30, Text: 40, Data: 50, HaveParts: true},
		Footprint: Footprint{USS: 60, PSS: 70, Swap: 80},
	}
	for kind, want := range map[MemoryKind]float64{RSS: 5, VMS: 10, Shared: 15, Text: 20, Data: 25, USS: 30, PSS: 35, Swapped: 40} {
		if got, ok := s.MemoryPercent(kind, 200); !ok || got != want {
			t.Errorf("kind %d: got %v and %v, want %v", kind, got, ok, want)
		}
		if got, ok := s.MemoryPercent(kind, 0); ok {
			t.Errorf("kind %d of nothing: got %v, want none", kind, got)
		}
		if got, ok := new(Snapshot).MemoryPercent(kind, 200); ok {
			t.Errorf("kind %d of an empty snapshot: got %v, want none", kind, got)
		}
	}
	if _, ok := s.MemoryPercent(200, 200); ok {
		t.Error("got a size for a kind that does not exist")
	}
}
