package metrics

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

func TestSelfAndOpenAgree(t *testing.T) {
	nettest.CheckLeaks(t)
	self := Self()
	defer self.Close()
	other := open(t, os.Getpid())
	before, got, after := snap(t, self, All), snap(t, other, All), snap(t, self, All)
	if got.Have != after.Have || got.Have != All {
		t.Errorf("have: got %v and %v, want all", got.Have, after.Have)
	}
	if got.ID != after.ID || got.Name != after.Name || got.Parent != after.Parent || got.FDs != after.FDs || got.Owner != after.Owner {
		t.Errorf("got\n%+v, want\n%+v", got, after)
	}
	if !slices.Equal(got.Identity.Args, after.Identity.Args) || got.Identity.Exe != after.Identity.Exe || got.Identity.Cwd != after.Identity.Cwd {
		t.Errorf("identity: got %q, want %q", got.Identity, after.Identity)
	}
	if d := got.Started.Sub(after.Started).Abs(); d > 20*time.Millisecond {
		t.Errorf("started: got %v, want %v", got.Started, after.Started)
	}
	for _, tt := range []struct {
		name               string
		before, got, after uint64
	}{
		{"switches, of threads that have not ended", 0, got.Switches.Voluntary, after.Switches.Voluntary},
		{"threads", uint64(before.Threads), uint64(got.Threads), uint64(after.Threads)},
		{"faults", before.Faults.Minor, got.Faults.Minor, after.Faults.Minor},
		{"system calls", before.IO.ReadOps, got.IO.ReadOps, after.IO.ReadOps},
		{"time", 0, uint64(got.CPU.User + got.CPU.System), uint64(after.CPU.User + after.CPU.System + 2*tick)},
	} {
		if tt.got < tt.before || tt.got > tt.after {
			t.Errorf("%s: got %d, want from %d to %d", tt.name, tt.got, tt.before, tt.after)
		}
	}
}

func TestReadReadsOnlyTheRequestedGroups(t *testing.T) {
	cmd := start(t, "idle")
	p := open(t, cmd.Process.Pid)
	for _, tt := range []struct{ request, want Fields }{
		{0, 0},
		{FieldName, statFields},
		{FieldCPU, statFields},
		{FieldMemory, FieldMemory},
		{FieldIO | FieldFDs, FieldIO | FieldFDs},
		{FieldOwner, FieldOwner},
		{FieldSwitches, FieldSwitches},
		{FieldIdentity, FieldIdentity},
		{FieldFootprint, FieldFootprint},
		{Basic, Basic | FieldNice},
		{All, All},
	} {
		if got := snap(t, p, tt.request).Have; got != tt.want {
			t.Errorf("Read %v: got %v, want %v", tt.request, got, tt.want)
		}
	}
}

func TestReadOfUnusualProcessNames(t *testing.T) {
	nettest.CheckLeaks(t)
	for _, name := range []string{"plain", "a) R 1 (b", ")", "((((", "\n\n", "tab\tand space", "\xff\xfe invalid", "fifteen bytes!!"} {
		cmd := start(t, "named "+name)
		p := open(t, cmd.Process.Pid)
		s := snap(t, p, All)
		if s.Name != name {
			t.Errorf("got name %q, want %q", s.Name, name)
		}
		if s.Parent != os.Getpid() || s.Have != All || s.Owner.UID != uint32(os.Getuid()) {
			t.Errorf("%q: got parent %d, user %d and %v; want %d, %d and all", name, s.Parent, s.Owner.UID, s.Have, os.Getpid(), os.Getuid())
		}
	}
}

func TestReadOfAZombie(t *testing.T) {
	nettest.CheckLeaks(t)
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	p := open(t, cmd.Process.Pid)
	var s Snapshot
	for s.State != Zombie {
		s = snap(t, p, All)
	}
	if s.Name != "true" || s.Parent != os.Getpid() || !s.Have.Has(FieldCPU|FieldState|FieldOwner) {
		t.Errorf("got %+v, want what the kernel still reports", s)
	}
	if p.Alive() {
		t.Error("alive: got true")
	}
	if s.Have.Has(FieldFDs) && s.FDs != 0 {
		t.Errorf("descriptors: got %d, want none", s.FDs)
	}
	if s.Memory.RSS != 0 {
		t.Errorf("memory: got %d, want none", s.Memory.RSS)
	}
	if err := p.Read(&s, FieldFootprint); !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, ErrNoProcess) {
		t.Errorf("footprint: got %+v and %v, want errors.ErrUnsupported: a zombie exists, but has no footprint", s.Footprint, err)
	}
	if all, err := p.Children(); err != nil || len(all) != 0 {
		t.Errorf("children: got %v and %v, want none", all, err)
	}
}

// asNobody runs f on a thread of the user nobody.
func asNobody(t *testing.T, f func() error) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become nobody")
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		const nobody = 65534
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 { // RawSyscall changes only this thread
			failed <- os.NewSyscallError("setresuid", errno)
			return
		}
		failed <- f()
	}()
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func TestRefusedGroupsAreAbsent(t *testing.T) {
	nettest.CheckLeaks(t)
	cmd := start(t, "idle")
	p := open(t, cmd.Process.Pid)
	asNobody(t, func() error {
		var s Snapshot
		if err := p.Read(&s, All); err != nil {
			return fmt.Errorf("Read all: %w", err)
		}
		if want := All &^ (FieldIO | FieldFootprint); s.Have != want && s.Have != want&^FieldFDs {
			return fmt.Errorf("got %v, want %v", s.Have, want)
		}
		if s.IO != (IO{}) || s.Footprint != (Footprint{}) || s.Identity.Exe != "" || s.Identity.Cwd != "" || len(s.Identity.Args) == 0 {
			return fmt.Errorf("got %+v, want zeros for the refused groups", s)
		}
		for _, field := range []Fields{FieldIO, FieldFootprint} {
			if err := p.Read(&s, field); !errors.Is(err, fs.ErrPermission) {
				return fmt.Errorf("Read %v: got %v, want fs.ErrPermission", field, err)
			}
		}
		if _, err := p.Environ(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), strconv.Itoa(p.ID().PID)) {
			return fmt.Errorf("Environ: got %v, want fs.ErrPermission with the PID", err)
		}
		if _, err := p.OpenFiles(); !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("OpenFiles: got %v, want fs.ErrPermission", err)
		}
		for c, err := range (Host{}).Connections(Filter{Owner: true}) {
			if err != nil || c.Have.Has(ConnectionPID) && c.PID == p.ID().PID {
				return fmt.Errorf("Connections: got %+v and %w", c, err)
			}
		}
		for _, err := range (Host{}).Connections(Filter{PID: p.ID().PID}) {
			if !errors.Is(err, fs.ErrPermission) {
				return fmt.Errorf("Connections: got %w, want fs.ErrPermission", err)
			}
			return nil
		}
		return errors.New("Connections of a process whose descriptors are refused: got no error")
	})
}

// The test chooses the next PID by ns_last_pid.
func TestAHandleDoesNotFollowAReusedPID(t *testing.T) {
	const last = "/proc/sys/kernel/ns_last_pid"
	if f, err := os.OpenFile(last, os.O_WRONLY, 0); err != nil {
		t.Skip("cannot choose a PID:", err)
	} else {
		_ = f.Close()
	}
	nettest.CheckLeaks(t)
	first := start(t, "idle")
	pid := first.Process.Pid
	p := open(t, pid)
	was := p.ID()
	born := snap(t, p, FieldStarted).Started
	_ = first.Process.Kill()
	_ = first.Wait()
	time.Sleep(time.Until(born.Add(2 * tick))) // the kernel reports start times in ticks

	for range 200 {
		if err := os.WriteFile(last, []byte(strconv.Itoa(pid-1)), 0); err != nil {
			t.Skip("cannot choose a PID:", err)
		}
		second := exec.Command("sleep", "60")
		if err := second.Start(); err != nil {
			t.Fatal(err)
		}
		if second.Process.Pid != pid { // another process got the PID first
			_ = second.Process.Kill()
			_ = second.Wait()
			continue
		}
		defer func() { _ = second.Process.Kill(); _ = second.Wait() }()
		var s Snapshot
		if err := p.Read(&s, Basic); !errors.Is(err, ErrNoProcess) {
			t.Errorf("the old handle: got %+v and %v, want ErrNoProcess", s, err)
		}
		if p.Alive() {
			t.Error("the old handle is alive")
		}
		if now := open(t, pid).ID(); now == was || now.PID != pid {
			t.Errorf("got %v for another process than %v", now, was)
		}
		return
	}
	t.Skip("other processes took the PID each time")
}

func TestOpenFilesAreRegularFiles(t *testing.T) {
	nettest.CheckLeaks(t)
	dir := nettest.TempDir(t)
	name := filepath.Join(dir, "a file\nwith \xff")
	content := []byte("content")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	server, _ := nettest.Pair(t) // a socket is not a regular file
	_ = server
	d, err := os.Open(dir) // nor is a directory
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()

	p := Self()
	defer p.Close()
	find := func(path string) *OpenFile {
		files, err := p.OpenFiles()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Path == dir {
				t.Errorf("got %+v, a directory", f)
			}
			if f.Path == path {
				return &f
			}
		}
		t.Fatalf("got %+v, want %q among them", files, path)
		return nil
	}
	got := find(name)
	if got.Position != 3 || got.Flags&os.O_APPEND == 0 || got.Flags&os.O_RDWR == 0 {
		t.Errorf("got %+v, want position 3 and flags with O_APPEND and O_RDWR", got)
	}
	through, err := os.ReadFile(fmt.Sprintf("/proc/self/fd/%d", got.FD))
	if err != nil || sha256.Sum256(through) != sha256.Sum256(content) {
		t.Errorf("descriptor %d: got %q and %v, want %q", got.FD, through, err, content)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	find(name + " (deleted)")
}

func TestEnvironAndLimits(t *testing.T) {
	const value = "SLUICE_TEST=a=b \xff"
	cmd := start(t, "idle", func(c *exec.Cmd) { c.Env = append(c.Env, value) })
	p := open(t, cmd.Process.Pid)
	env, err := p.Environ()
	if err != nil || !slices.Equal(env, cmd.Env) {
		t.Errorf("got %q and %v, want %q", env, err, cmd.Env)
	}
	self := Self()
	defer self.Close()
	limits, err := self.Limits()
	if err != nil {
		t.Fatal(err)
	}
	var want unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &want); err != nil {
		t.Fatal(err)
	}
	if got := limits[LimitOpenFiles]; got != (ResourceLimit{want.Cur, want.Max}) {
		t.Errorf("open files: got %+v, want %+v", got, want)
	}
	if len(limits) != int(LimitRealtimeTime)+1 {
		t.Errorf("got %d limits, want %d", len(limits), LimitRealtimeTime+1)
	}
}

func TestThreadsAreAllThreads(t *testing.T) {
	cmd := start(t, "idle")
	p := open(t, cmd.Process.Pid)
	before := snap(t, p, FieldThreads).Threads
	threads, err := p.Threads()
	if err != nil {
		t.Fatal(err)
	}
	after := snap(t, p, FieldThreads).Threads
	if len(threads) < before || len(threads) > after || before < 2 {
		t.Errorf("got %d threads, want from %d to %d, and those of a Go program", len(threads), before, after)
	}
	if !slices.ContainsFunc(threads, func(th Thread) bool { return th.ID == cmd.Process.Pid }) {
		t.Errorf("got %v, want the first thread %d among them", threads, cmd.Process.Pid)
	}
}

// A Go program waits on other threads than its first, but /proc/PID/status counts
// only the first.
func TestSwitchesCountAllThreads(t *testing.T) {
	self := Self()
	defer self.Close()
	other := open(t, os.Getpid())
	back, forth := make(chan int), make(chan int)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for n := range forth {
			back <- n
		}
		close(back)
	}()
	runtime.LockOSThread()
	otherBefore, selfBefore := snap(t, other, FieldSwitches).Switches, snap(t, self, FieldCPU).Switches
	for n := range 2000 {
		forth <- n
		<-back
	}
	otherAfter, selfAfter := snap(t, other, FieldSwitches).Switches, snap(t, self, FieldCPU).Switches
	close(forth)
	<-back
	runtime.UnlockOSThread()
	got, want := otherAfter.Voluntary-otherBefore.Voluntary, selfAfter.Voluntary-selfBefore.Voluntary
	if got < want*9/10 || got > want*11/10+100 || want < 1000 {
		t.Errorf("got %d by its threads, want about %d as getrusage(2) says, and thousands", got, want)
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget on purpose")
	}
	cmd := start(t, "idle")
	self := Self()
	defer self.Close()
	for _, tt := range []struct {
		name string
		p    *Process
		want Fields
	}{
		{"this process", self, Basic | FieldSwitches},
		{"another process", open(t, cmd.Process.Pid), Basic},
		{"another process with its owner", open(t, cmd.Process.Pid), Basic | FieldOwner | FieldFootprint},
	} {
		var s Snapshot
		got := testing.AllocsPerRun(100, func() {
			if err := tt.p.Read(&s, tt.want); err != nil {
				t.Fatal(err)
			}
		})
		if got != 0 || !s.Have.Has(tt.want) {
			t.Errorf("%s: got %v allocations and %v, want none and %v", tt.name, got, s.Have, tt.want)
		}
	}
}
